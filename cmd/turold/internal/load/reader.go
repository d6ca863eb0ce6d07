package load

import (
	"context"
	"errors"
	"sync"

	"github.com/turold/turold/bayeux"
	"github.com/turold/turold/client"
)

// A channel is one of the run's.
type channel struct {
	name        bayeux.Channel
	subscribers int // not changed once the publishing began

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
	last map[int]int // the latest message of each publisher
	gaps int
}

// read takes what a subscription gets, until the context or the subscription
// ends.
func (t *Test) read(ctx context.Context, r *reader) {
	for m, err := range r.sub.Messages(ctx) {
		var gap *client.GapError
		switch {
		case errors.As(err, &gap):
			r.gap()
			t.gaps.Add(1)
		case err != nil:
			t.fault(ctx, "subscription", err)
		default:
			t.take(r, m)
		}
	}
}

// take accounts for one message.
func (t *Test) take(r *reader, m bayeux.Message) {
	now := t.now()
	s, ok := parseStamp(t.run, m.Data)
	if !ok || s.seq >= t.messages() || s.publisher >= t.publishers() {
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
	last, any := r.last[s.publisher]
	if any && s.seq < last {
		return false, true
	}
	r.last[s.publisher] = s.seq
	return false, false
}

func (r *reader) gap() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.gaps++
}

// missing is how many messages the server took and the subscription did not
// get, and whether a gap told it.
func (r *reader) missing() (n int, told bool) {
	r.channel.mu.Lock()
	defer r.channel.mu.Unlock()
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.channel.taken.without(r.seen), r.gaps > 0
}

// lost is what all subscriptions miss, and how much of it no gap tells of.
func (t *Test) lost() (n, untold int) {
	for _, s := range t.sessions {
		for _, r := range s.readers {
			missing, told := r.missing()
			n += missing
			if !told {
				untold += missing
			}
		}
	}
	return n, untold
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
