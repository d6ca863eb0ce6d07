package main

import (
	"errors"
	"maps"
	"slices"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/turold/turold/bayeux"
	"github.com/turold/turold/bayeux/bayeuxtest"
	"github.com/turold/turold/client"
	"github.com/turold/turold/internal/testutil/verdict"
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
		item, err := r.sub.Next(w.ctx)
		if gap := item.Gap(); gap != nil {
			w.note("gap", r.u.name, ch, gap.Reason, gap.Missed)
			a.gap(gap)
			if acked && gap.Reason == client.GapConnectionLost {
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
		m, _ := item.Value()
		w.note("event", r.u.name, ch, string(m.Data))
		n, err := strconv.Atoi(string(m.Data))
		if err == nil {
			n, err = r.topic.counts(n)
		}
		if err == nil {
			a.unknown = a.unknown || !a.strict && w.awake()
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

// peace waits until events come again on each channel of each session, and the
// servers have what the application subscribed to.
func (w *world) peace() {
	start := time.Now()
	w.changes.Wait()
	for _, u := range w.users {
		for _, r := range u.open() {
			mark := r.topic.next()
			for r.last.Load() < mark && !r.over() {
				if time.Since(start) > recovers {
					w.t.Errorf("%s: nothing since %d; %d were published; %v", r.topic.channel, r.last.Load(), r.topic.next(), u.c.Status())
					return
				}
				w.sleep(50 * time.Millisecond)
			}
		}
	}
	w.tally.count("recovered", 1)
	w.sleep(15*time.Second + 3*w.delay) // the last publishes are settled, and what was asked again has arrived
	for _, u := range w.users {
		u.agrees()
	}
}

// agrees looks whether the server has the subscriptions that the application has.
func (u *user) agrees() {
	id := u.c.ID()
	for _, x := range u.w.nodes[0].Load().Sessions() {
		if x.ID() != id || u.gone() {
			continue
		}
		want := map[bayeux.Channel]bool{}
		for _, r := range u.open() {
			want[r.topic.channel] = true
		}
		u.w.tally.count("subscriptions compared", 1)
		if has := x.Subscriptions(); !slices.Equal(has, slices.Sorted(maps.Keys(want))) {
			u.w.t.Errorf("the application has %v, the server %v", slices.Sorted(maps.Keys(want)), has)
		}
	}
}

// settled looks whether each publish has an outcome, while the session lives.
func (u *user) settled() {
	defer u.w.locked()()
	for _, p := range u.sent {
		select {
		case <-p.r.Done():
		default:
			if time.Since(p.at) > 30*time.Second+3*u.w.delay {
				u.w.t.Errorf("publish %s is not settled", p.data)
			}
		}
	}
}

// judge compares what was said of a user's publishes, all of which are settled,
// with what arrived. An outcome is over all tries.
func (u *user) judge() {
	defer u.w.locked()()
	for _, p := range u.sent {
		times := u.w.arrived[p.data]
		u.w.note("publish", p.data, p.r.Err(), times)
		once := times
		if p.again {
			once = min(times, 1)
		}
		word, truth := verdict.Publish(p.r.Err(), once)
		if !truth || word == "refused" && times > 0 { // the servers refuse only what they do not take
			u.w.t.Errorf("publish %s: %v, and it arrived %d times", p.data, p.r.Err(), times)
		}
		if p.again {
			word += ", may be repeated"
		}
		u.w.tally.count("publish: "+word, 1)
		if times > 1 {
			u.w.tally.count("publish: arrived more than once", 1)
		}
	}
}
