package load

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/turold/turold/client"
)

// A session is one that came up.
type session struct {
	c       *client.Client
	readers []*reader
}

// ramp begins the sessions, evenly over its time, and returns when each has
// its subscriptions or has failed. What they receive is counted from then on,
// until reading ends.
func (t *Test) ramp(ctx, reading context.Context) {
	var all sync.WaitGroup
	dialing, cancel := linger(ctx)
	defer cancel()
	begin := time.Now()
	tried := make([]*session, t.plan.Sessions)
	for n := range tried {
		if !sleep(ctx, time.Until(begin.Add(t.plan.Ramp*time.Duration(n)/time.Duration(len(tried))))) {
			break
		}
		all.Go(func() { tried[n] = t.begin(dialing, n) })
	}
	all.Wait()
	t.start = time.Now() // nothing is published before
	t.enlist(slices.DeleteFunc(tried, func(s *session) bool { return s == nil }))
	for _, s := range t.sessions {
		for _, r := range s.readers {
			t.reading.Go(func() { t.read(reading, r) })
		}
	}
}

// enlist tells the channels which sessions there are.
func (t *Test) enlist(up []*session) {
	t.sessions = up
	for k := range t.publishers() {
		t.channels[k%len(t.channels)].publishers++
	}
	for n, s := range up {
		for _, r := range s.readers {
			r.number = n
			r.channel.subscribers++
		}
	}
}

// begin begins one session with all its subscriptions; nil: it failed.
func (t *Test) begin(ctx context.Context, n int) *session {
	c, err := t.plan.Dialer.Dial(ctx, t.plan.URL, t.plan.Options)
	if err != nil {
		t.fault(ctx, "dial", err)
		return nil
	}
	s := &session{c: c}
	for j := range t.plan.Subscriptions {
		ch := t.channels[t.plan.subscribes(n, j)]
		sub, err := c.Subscribe(ctx, ch.name, nil)
		if err != nil {
			t.fault(ctx, "subscribe", err)
			s.leave()
			return nil
		}
		s.readers = append(s.readers, &reader{sub: sub, channel: ch, last: map[int]int{}})
	}
	t.up.Add(1)
	return s
}

// leave says goodbye for a session that is of no use.
func (s *session) leave() {
	bye, cancel := context.WithTimeout(context.Background(), Goodbye/2)
	defer cancel()
	_ = s.c.Disconnect(bye) // the server may be gone
}

// fault counts a failure that is not the end of the context.
func (t *Test) fault(ctx context.Context, stage string, err error) {
	if ctx.Err() == nil {
		t.faults.add(stage, err)
	}
}

// linger is a context that ends a while after ctx does: time for what is under
// way to be finished in order.
func linger(ctx context.Context) (context.Context, context.CancelFunc) {
	longer, cancel := context.WithCancel(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, func() { time.AfterFunc(hurry, cancel) })
	return longer, func() { stop(); cancel() }
}

// sleep returns whether the time passed before the context ended.
func sleep(ctx context.Context, d time.Duration) bool {
	if d <= 0 {
		return ctx.Err() == nil
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
