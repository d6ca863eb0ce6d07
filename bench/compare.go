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
	N       int    // sessions
	Batch   int    // messages a frame
	Ack     bool   // the acknowledgement extension
	TLS     bool
	Small   bool    // a read buffer of 1 KiB, of the loop without it
	Way     string  // of the loop without it, where there is more than one
	Known   bool    // the way has been used before
	Seconds float64 // that count
	Cores   int     // of the process; 0: all
}

// A measure is made in a process of its own.
type measure func(context.Context, params) (figures, error)

var measures = map[string]measure{
	"receive": receive, "publish": publish, "answer": answer, "latency": latency, "echo": echo, "first": first, "idle": idle, "storm": storm,
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
}

// A result is what the subjects of a comparison came to.
type result struct {
	*comparison
	taken map[string][]figures // by subject, one a round
}

// run takes every figure. What could not be measured is missing, and the error.
func (c *comparison) run(ctx context.Context, rounds int) (r *result, failed error) {
	if rounds == 0 {
		rounds = c.rounds
	}
	r = &result{comparison: c, taken: map[string][]figures{}}
	for round := range rounds {
		for _, s := range c.subjects {
			fmt.Fprintf(os.Stderr, "%s %d/%d %s: ", c.name, round+1, rounds, s.name)
			f, err := take(ctx, s.params)
			if err != nil {
				failed = errors.Join(failed, fmt.Errorf("%s: %s: %w", c.name, s.name, err))
				continue
			}
			for _, name := range slices.Sorted(maps.Keys(f)) {
				fmt.Fprintf(os.Stderr, "%s %.4g  ", name, f[name])
			}
			fmt.Fprintln(os.Stderr)
			r.taken[s.name] = append(r.taken[s.name], f)
		}
	}
	return r, failed
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
