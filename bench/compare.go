package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
)

// figures are what one measurement came to, by name.
type figures map[string]float64

// params say what is measured, and how.
type params struct {
	Measure string
	At      addresses
	Turold  bool   // otherwise the loop without it
	Kind    string // websocket or long-polling
	Query   string // what the server is asked to do
	N       int    // sessions, or the events of a burst
	Batch   int    // messages a frame
	Ack     bool   // the acknowledgement extension
	TLS     bool
	Small   bool    // a read buffer of 1 KiB, of the loop without it
	Way     string  // of the loop without it, where there is more than one
	Known   bool    // the way has been used before
	Seconds float64 // that count
	Cores   int     // of the process; 0: all

	// Of a comparison with peers:
	Peer               string  // who
	URL, Channel, Text string  // where, and what is in an event
	Warm               float64 // seconds before those that count
}

// A measure is made in a process of its own.
type measure func(context.Context, params) (figures, error)

var measures = map[string]measure{
	"receive": receive, "publish": publish, "answer": answer, "latency": latency, "echo": echo, "first": first, "idle": idle, "storm": storm,
	"peers-latency": peersLatencyTurold, "peers-receive": peersReceiveTurold, "peers-idle": peersIdleTurold,
}

// A subject is one side of a comparison.
type subject struct {
	name string
	params
}

// A column is one figure of a table.
type column struct {
	figure, title, format string
}

// A goal is about the figure of one subject, or its ratio to another's.
type goal struct {
	figure, of, to string // to empty: the figure itself
	least, most    float64
}

// A comparison is measured side by side.
type comparison struct {
	name, title, note string
	rounds            int
	columns           []column
	subjects          []subject
	goals             []goal
	peers             bool // against CometD's server, which a turn before those that count warms up
}

// A result is what the subjects of a comparison came to.
type result struct {
	*comparison
	// taken is by subject, one a round. A name without figures that is no
	// subject's is a remark for the report.
	taken map[string][]figures
}

// run takes every figure. What could not be measured is missing, and the error.
func (c *comparison) run(ctx context.Context, rounds int) (r *result, failed error) {
	if rounds == 0 {
		rounds = c.rounds
	}
	r = &result{comparison: c, taken: map[string][]figures{}}
	take, first := take, 1
	if c.peers {
		var m meeting
		defer m.stop()
		take, first = m.take, 0
	}
	for round := first; round <= rounds; round++ {
		for _, s := range c.subjects {
			fmt.Fprintf(os.Stderr, "%s %d/%d %s: ", c.name, round, rounds, s.name)
			f, err := take(ctx, s.params)
			if line := remark(s.Peer, err); line != "" {
				r.taken[line] = nil
			}
			if errors.As(err, new(*leftOut)) {
				fmt.Fprintln(os.Stderr, err)
				continue
			}
			if err != nil {
				failed = errors.Join(failed, fmt.Errorf("%s: %s: %w", c.name, s.name, err))
				continue
			}
			for _, name := range slices.Sorted(maps.Keys(f)) {
				fmt.Fprintf(os.Stderr, "%s %.4g  ", name, f[name])
			}
			fmt.Fprintln(os.Stderr)
			if round > 0 {
				r.taken[s.name] = append(r.taken[s.name], f)
			}
		}
	}
	return r, failed
}

// remarks are the names that are no subject's.
func (r *result) remarks() (lines []string) {
	for _, name := range slices.Sorted(maps.Keys(r.taken)) {
		if len(r.taken[name]) == 0 && !slices.ContainsFunc(r.subjects, func(s subject) bool { return s.name == name }) {
			lines = append(lines, name)
		}
	}
	return lines
}

// figure is all that was taken of one figure of a subject, in turn.
func (r *result) figure(subject, name string) spread {
	var all spread
	for _, f := range r.taken[subject] {
		all = append(all, f[name])
	}
	return all
}

// ratio is that of each turn.
func (r *result) ratio(figure, of, to string) spread {
	a, b := r.figure(of, figure), r.figure(to, figure)
	var all spread
	for i := range min(len(a), len(b)) {
		all = append(all, a[i]/b[i])
	}
	return all
}

// reached is what a goal came to.
func (r *result) reached(g goal) spread {
	if g.to == "" {
		return r.figure(g.of, g.figure)
	}
	return r.ratio(g.figure, g.of, g.to)
}

// met reports whether the median is within the goal.
func (g goal) met(s spread) bool {
	m := s.median()
	return (g.least == 0 || m >= g.least) && (g.most == 0 || m <= g.most)
}
