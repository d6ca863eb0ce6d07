package engine

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/turold/turold/bayeux"
	"github.com/turold/turold/client"
)

var (
	eventChannels = []bayeux.Channel{events + "0", events + "1", events + "2"}
	darkChannels  = []bayeux.Channel{dark + "0", dark + "1", dark + "2"}
)

// Channels are all that is published to and not denied.
func Channels() []bayeux.Channel {
	all := append(slices.Clone(eventChannels), darkChannels...)
	for n := range churners {
		all = append(all, churnChannel(n))
	}
	return all
}

// An entry is what a subscription yielded: an event, or a gap.
type entry struct {
	id  ID
	gap *client.GapError // nil: it is an event
	at  time.Time
}

// A list is what subscriptions on one channel or pattern yielded.
type list struct {
	channel bayeux.Channel
	session string
	mu      sync.Mutex
	entries []entry
	over    map[bayeux.Channel]int // the greatest number of the engine's own that came
}

func (l *list) add(r *round, m bayeux.Message, gap *client.GapError) {
	e := entry{gap: gap, at: time.Now()}
	if gap == nil {
		var ok bool
		if e.id, ok = ParseID(m.Data); !ok {
			r.violated("an event on %s is none that was published: %.80s", m.Channel, m.Data)
			return
		}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if gap == nil && e.id.Publisher == 0 {
		l.over[m.Channel] = max(l.over[m.Channel], e.id.N)
		return
	}
	l.entries = append(l.entries, e)
}

// read adds what a subscription yields, until that ends or the context does.
func (l *list) read(ctx context.Context, r *round, sub *client.Subscription, slow time.Duration) error {
	for {
		item, err := sub.Next(ctx)
		if err != nil {
			return err
		}
		m, _ := item.Value()
		l.add(r, m, item.Gap())
		if slow > 0 && !r.calm.Load() {
			sleep(ctx, slow)
		}
	}
}

// A consumer reads events for a whole round.
type consumer struct {
	list
	s     *session
	full  client.QueuePolicy
	bound int // messages; 0: the default
	slow  time.Duration
}

// reached reports whether what the engine published is there on each channel.
func (k *consumer) reached(n int) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, ch := range eventChannels {
		if last, ok := k.over[ch]; k.channel.Matches(ch) && (!ok || last < n) {
			return false
		}
	}
	return true
}

// consume begins to read, by each policy, slowly and not, names and patterns.
func (r *round) consume(ctx context.Context, readers *sync.WaitGroup) error {
	const few, slow = 64, 3 * time.Millisecond
	r.consumers = []*consumer{
		{list: list{channel: eventChannels[0]}},
		{list: list{channel: events + "*"}, full: client.QueueDropNewest},
		{list: list{channel: events + "**"}, full: client.QueueEndWhenFull},
		{list: list{channel: eventChannels[1]}, bound: few, slow: slow},
		{list: list{channel: events + "*"}, full: client.QueueDropNewest, bound: few, slow: slow},
		{list: list{channel: eventChannels[2]}, full: client.QueueEndWhenFull, bound: few, slow: slow},
		{list: list{channel: events + "**"}},
	}
	for n, k := range r.consumers {
		s := r.sessions[n%len(r.sessions)]
		k.s, k.session, k.over = s, s.name, map[bayeux.Channel]int{}
		sub, err := k.subscribe(ctx)
		if err != nil {
			return fmt.Errorf("before anything is broken: %w", err)
		}
		readers.Go(func() { k.work(ctx, r, sub) })
	}
	return nil
}

func (k *consumer) subscribe(ctx context.Context) (*client.Subscription, error) {
	return k.s.c.Subscribe(ctx, k.channel, &client.SubscribeOptions{WhenFull: k.full, Queue: client.Bound{Messages: k.bound}})
}

// work reads. A subscription that ends because its queue is full is a gap, and
// another takes its place.
func (k *consumer) work(ctx context.Context, r *round, sub *client.Subscription) {
	for {
		err := k.read(ctx, r, sub, k.slow)
		if ctx.Err() != nil {
			return
		}
		if !errors.Is(err, client.ErrQueueFull) {
			r.violated("the subscription to %s ended: %v", k.channel, err)
			return
		}
		_ = sub.Unsubscribe(ctx)
		for sub, err = k.subscribe(ctx); err != nil; sub, err = k.subscribe(ctx) {
			if !sleep(ctx, 20*time.Millisecond) {
				return
			}
		}
		k.add(r, bayeux.Message{}, &client.GapError{Channel: k.channel, Reason: client.GapQueueFull, Missed: -1})
	}
}

func (p *publisher) settled() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, x := range p.sent {
		if _, ok := x.outcome(); !ok {
			return false
		}
	}
	return true
}
