package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/turold/turold/bayeux/bayeuxtest/hostile"
	"github.com/turold/turold/interop/servers"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	var err error
	if len(os.Args) == 5 {
		err = watch(ctx, os.Args[2], os.Args[3], os.Args[1] == "watch-no-ack")
	} else {
		err = compare(ctx)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "paths:", err)
		os.Exit(1)
	}
}

// compare prints the table, a row for each trouble.
func compare(ctx context.Context) error {
	running := map[*servers.Kind]*servers.Server{}
	for _, s := range subjects {
		if running[s.server] != nil {
			continue
		}
		server, err := s.server.Start()
		if err != nil {
			return err
		}
		defer server.Stop()
		running[s.server] = server
	}
	for i, t := range append([]trouble{{name: "warming up"}}, troubles...) {
		if i == 1 {
			names := make([]string, len(subjects))
			for column, s := range subjects {
				names[column] = s.name
			}
			row("Trouble on the path", names)
			row("---", slices.Repeat([]string{"---"}, len(subjects)))
		}
		results := make([]string, len(subjects))
		failed := make([]error, len(subjects))
		var all sync.WaitGroup
		for column, s := range subjects {
			all.Go(func() {
				results[column], failed[column] = t.meet(ctx, s, running[s.server], fmt.Sprintf("/paths/%d/%d", i, column))
			})
		}
		all.Wait()
		for _, err := range failed {
			if err != nil {
				return err
			}
		}
		if i == 0 { // the servers' first sessions take longer
			continue
		}
		row(t.name, results)
	}
	return nil
}

func row(name string, cells []string) {
	fmt.Printf("| %s | %s |\n", name, strings.Join(cells, " | "))
}

// meet has one client meet the trouble.
func (t trouble) meet(ctx context.Context, s subject, server *servers.Server, channel string) (string, error) {
	fault := t.fault
	if !t.midlife {
		fault.After = 0
	}
	p, err := newPath(ctx, server, fault)
	if err != nil {
		return "", err
	}
	defer p.close()
	bound := patience
	if t.midlife {
		bound = afterward
	}
	ctx, cancel := context.WithTimeout(ctx, bound+time.Minute) // to start, and to warm up
	defer cancel()
	dialled := func() {
		time.AfterFunc(bound, cancel)
		go func() { _ = server.Publish(channel, 1, int(bound.Seconds()+1)*rate, rate) }()
	}
	got, err := s.run(ctx, server.URLVia(p.Addr().String()), channel, server.URL(), dialled, func(n int) {
		switch {
		case !t.midlife && n == 1:
			cancel()
		case t.midlife && n == midlife && fault == (hostile.Fault{}):
			p.Cut()
		case t.midlife && n == midlife/2: // new WebSockets are good
			p.Set(hostile.Fault{})
		}
	})
	if err != nil {
		return "", err
	}
	if t.midlife {
		return got.after(), nil
	}
	return got.first(), nil
}

// first is how long it took until the first event.
func (g seen) first() string {
	if len(g.events) == 0 {
		return "never"
	}
	return fmt.Sprintf("%.1f s", g.events[0].at.Sub(g.dialled).Seconds())
}

// after is how long the stream stood still, how many events it lacks, and whether
// it says so.
func (g seen) after() string {
	if len(g.events) < midlife {
		return "no session"
	}
	var still time.Duration
	have := map[int]bool{}
	for i, e := range g.events {
		have[e.n] = true
		if i > 0 {
			still = max(still, e.at.Sub(g.events[i-1].at))
		}
	}
	first, last := g.events[0].n, g.events[len(g.events)-1].n
	lost := last - first + 1 - len(have)
	if silent := time.Since(g.events[len(g.events)-1].at); silent > still+time.Second {
		return fmt.Sprintf("no event for the last %.0f s", silent.Seconds())
	}
	told := ""
	switch {
	case lost > 0 && g.gaps > 0:
		told = ", told by a gap"
	case lost > 0:
		told = ", untold"
	}
	return fmt.Sprintf("%.1f s, %d lost%s", still.Seconds(), lost, told)
}
