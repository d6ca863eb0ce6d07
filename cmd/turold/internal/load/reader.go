package load

import (
	"context"
	"sync"

	"github.com/turold/turold/bayeux"
	"github.com/turold/turold/client"
)

// A channel is one of the run's.
type channel struct {
	name                    bayeux.Channel
	subscribers, publishers int // not changed once the publishing began

	mu    sync.Mutex
	taken bitset // the messages that the server said it took
}

func (c *channel) take(seq int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.taken.set(seq)
}

// A reader is what one subscription got.
type reader struct {
	sub     *client.Subscription
	channel *channel
	number  int // of its session

	mu   sync.Mutex
	seen bitset
	last map[int]int // the latest message of each publisher, by its place
	gaps int
}

// read takes what a subscription gets, until the context or the subscription
// ends.
func (t *Test) read(ctx context.Context, r *reader) {
	for item, err := range r.sub.Messages(ctx) {
		if err != nil {
			t.fault(ctx, "subscription", err)
			return
		}
		if m, ok := item.Value(); ok {
			t.take(r, m)
		} else {
			r.gap()
			t.gaps.Add(1)
		}
	}
}

// take accounts for one message.
func (t *Test) take(r *reader, m bayeux.Message) {
	now := t.now()
	s, ok := parseStamp(t.run, m.Data)
	if !ok || s.seq >= t.messages() || r.channel.publishers == 0 {
		t.foreign.Add(1)
		return
	}
	again, late := r.got(s)
	switch {
	case again:
		t.doubled.Add(1)
		return
	case late:
		t.disordered.Add(1)
	}
	t.received.Add(1)
	if t.measured(now) {
		t.receivedInTime.Add(1)
	}
	if t.measured(s.at) {
		t.latency.record(r.number, now-s.at)
	}
}

// got notes a message: whether it came before, and whether a later one of the
// same publisher did.
func (r *reader) got(s stamp) (again, late bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.seen.set(s.seq) {
		return true, false
	}
	if r.overtaken(s.seq) {
		return false, true
	}
	r.last[s.seq%r.channel.publishers] = s.seq
	return false, false
}

// overtaken reports whether a later message of the same publisher is there. The
// lock is held.
func (r *reader) overtaken(seq int) bool {
	last, any := r.last[seq%r.channel.publishers]
	return any && seq < last
}

func (r *reader) gap() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.gaps++
}

// missing is what the server took and subscriptions did not get.
type missing struct {
	lost   int // overtaken by a later one of the same publisher
	untold int // of those lost, where no gap tells of it
	late   int // the others: lost, or still on their way
}

// missing is what this subscription misses.
func (r *reader) missing() (m missing) {
	r.channel.mu.Lock()
	defer r.channel.mu.Unlock()
	r.mu.Lock()
	defer r.mu.Unlock()
	for seq := range r.channel.taken.without(r.seen) {
		switch {
		case !r.overtaken(seq):
			m.late++
		case r.gaps == 0:
			m.untold++
			m.lost++
		default:
			m.lost++
		}
	}
	return m
}

// missing is what all subscriptions miss.
func (t *Test) missing() (all missing) {
	for _, s := range t.sessions {
		for _, r := range s.readers {
			m := r.missing()
			all.lost += m.lost
			all.untold += m.untold
			all.late += m.late
		}
	}
	return all
}

// expected is how many deliveries there must be for what the server took.
func (t *Test) expected() (n int) {
	for _, c := range t.channels {
		c.mu.Lock()
		n += c.taken.count() * c.subscribers
		c.mu.Unlock()
	}
	return n
}
