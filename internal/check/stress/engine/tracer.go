package engine

import (
	"github.com/turold/turold/client"
)

// tracer notes what the clients see, if it is wanted.
func (r *round) tracer() *client.Trace {
	if r.trace == nil {
		return nil
	}
	t := r.trace
	return &client.Trace{
		State: func(c *client.Client, from, to client.State, cause error) {
			t.note("session %s: %v to %v: %v", r.nameOf(c), from, to, cause)
		},
		Wire: func(c *client.Client, w client.Wire) {
			if w.Out {
				return
			}
			var s scanner
			s.scan(t, w.Batch, "session "+r.nameOf(c)+took, int(w.Leg))
		},
		Exchange: func(c *client.Client, x client.Exchange) {
			if x.Err != nil && x.Channel.Meta() {
				t.note("session %s: %s on %s ends: %v", r.nameOf(c), x.Channel, x.Transport, x.Err)
			}
		},
		Gap: func(c *client.Client, e *client.GapError) {
			t.note("session %s: gap on %s: %s", r.nameOf(c), e.Channel, e.Reason)
		},
	}
}

func (r *round) nameOf(c *client.Client) string {
	if name, ok := r.names.Load(c); ok {
		return name.(string)
	}
	return "that quits"
}
