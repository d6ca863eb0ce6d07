package main

import (
	"errors"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/turold/turold/bayeux/bayeuxtest"
	"github.com/turold/turold/client"
	"github.com/turold/turold/internal/verdict"
)

// A reader reads one subscription and compares it with what was published.
type reader struct {
	u     *user
	topic *topic
	sub   *client.Subscription
	slow  bool
	since int          // published when it was subscribed
	last  atomic.Int64 // the greatest number that came
	left  bool         // unsubscribed; guarded by the world's lock
}

func newReader(u *user, t *topic, slow bool) *reader {
	r := &reader{u: u, topic: t, slow: slow}
	r.last.Store(-1)
	return r
}

// read reads until the subscription or the world ends.
func (r *reader) read() {
	w, ch := r.u.w, r.topic.channel
	acked := !r.u.noAck && w.options.Profile != bayeuxtest.Faye
	a := account{strict: acked, since: r.since, last: -1, holes: map[int]*hole{}}
	for {
		m, err := r.sub.Next(w.ctx)
		var gap *client.GapError
		if errors.As(err, &gap) {
			a.gap(gap)
			if acked && gap.Reason == client.ConnectionLost {
				w.t.Errorf("%s: a lost connection lost events, with ack", ch)
			}
			continue
		}
		if err != nil {
			if w.ctx.Err() == nil && !errors.Is(err, client.ErrClosed) && !errors.Is(err, client.ErrUnsubscribed) {
				w.t.Errorf("%s ended: %v", ch, err)
			}
			break
		}
		n, err := strconv.Atoi(string(m.Data))
		if err == nil {
			err = a.take(n)
		}
		if err != nil {
			w.t.Errorf("%s: %v", ch, err)
		}
		r.last.Store(int64(a.last))
		w.tally.count("events", 1)
		if r.slow {
			w.sleep(100 * time.Millisecond)
		}
	}
	if err := a.settle(); err != nil {
		w.t.Errorf("%s: %v", ch, err)
	}
}

// over reports whether nothing more is expected to come.
func (r *reader) over() bool {
	defer r.u.w.locked()()
	return r.left || r.u.closed
}

// peace waits until events come again on each channel of each session.
func (w *world) peace() {
	start := time.Now()
	for _, u := range w.users {
		for _, r := range u.open() {
			mark := r.topic.published.Load()
			for r.last.Load() < mark && !r.over() {
				if time.Since(start) > recovers {
					w.t.Errorf("%s: nothing since %d; %d were published; %v", r.topic.channel, r.last.Load(), r.topic.published.Load(), u.c.Status())
					return
				}
				w.sleep(50 * time.Millisecond)
			}
		}
	}
	w.tally.count("recovered", 1)
	w.sleep(15 * time.Second) // the last publishes are settled
}

// judge compares what was said of a user's publishes with what arrived.
func (u *user) judge() {
	defer u.w.locked()()
	for _, p := range u.sent {
		times := u.w.arrived[p.data]
		select {
		case <-p.r.Done():
		default:
			if time.Since(p.at) > 30*time.Second {
				u.w.t.Errorf("publish %s is not settled", p.data)
			}
			continue
		}
		word, truth := verdict.Publish(p.r.Err(), times)
		if !truth {
			u.w.t.Errorf("publish %s: %v, and it arrived %d times", p.data, p.r.Err(), times)
		}
		u.w.tally.count("publish: "+word, 1)
	}
}
