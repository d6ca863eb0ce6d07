package engine

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/turold/turold/bayeux"
	"github.com/turold/turold/client"
)

const churners = 12 // of the workers

func churnChannel(n int) bayeux.Channel { return bayeux.Channel(fmt.Sprint(churn, n)) }

// A churner subscribes to a channel of its own, publishes there, unsubscribes,
// and again, without much patience for the answers.
type churner struct {
	r       *round
	s       *session
	p       *publisher
	rng     *rand.Rand
	channel bayeux.Channel

	lives []*life
}

// A life is that of one subscription that the server accepted.
type life struct {
	list
	sub   *client.Subscription
	first int           // the number of the first publish behind its acceptance
	ended chan struct{} // when nothing more is read
}

func (h *churner) work(ctx context.Context) {
	for ctx.Err() == nil {
		l := h.begin(h.soon())
		h.r.count("churn: subscribe", 1)
		if l == nil {
			continue
		}
		h.r.count("churn: subscribed", 1)
		for range h.rng.IntN(5) {
			begun := time.Now()
			id := h.publish(h.soon())
			if h.rng.IntN(2) == 0 {
				h.await(l, id, begun)
			}
			sleep(ctx, between(h.rng, 0, 100*time.Millisecond))
		}
		if ctx.Err() != nil && h.rng.IntN(2) == 0 {
			return // subscribed
		}
		h.end(l)
	}
}

// soon is a context that may end before the server answers.
func (h *churner) soon() (context.Context, context.CancelFunc) {
	d := []time.Duration{5 * time.Millisecond, 50 * time.Millisecond, 500 * time.Millisecond, 3 * time.Second}[h.rng.IntN(4)]
	return context.WithTimeout(context.Background(), d)
}

// begin subscribes; nil: the server has not said that it is so.
func (h *churner) begin(ctx context.Context, cancel context.CancelFunc) *life {
	defer cancel()
	sub, err := h.s.c.Subscribe(ctx, h.channel, nil)
	if err != nil {
		return nil
	}
	h.p.mu.Lock()
	l := &life{list: list{channel: h.channel, session: h.s.name}, sub: sub, first: len(h.p.sent), ended: make(chan struct{})}
	h.p.mu.Unlock()
	h.lives = append(h.lives, l)
	go func() {
		defer close(l.ended)
		if err := l.read(context.Background(), h.r, sub, 0); !errors.Is(err, client.ErrUnsubscribed) && !errors.Is(err, client.ErrClosed) {
			h.r.violated("the subscription to %s ended: %v", h.channel, err)
		}
	}()
	return l
}

func (h *churner) publish(ctx context.Context, cancel context.CancelFunc) ID {
	defer cancel()
	id, x := h.p.next(h.channel, false)
	h.p.settle(x, h.s.c.Publish(ctx, h.channel, payload(id, 0)))
	return id
}

// await waits for what the server took behind the subscribe that it had accepted,
// or for a gap. With acknowledgement one of them comes as soon as things work.
func (h *churner) await(l *life, id ID, begun time.Time) {
	err, _ := h.p.sent[id.N].outcome()
	if h.r.cfg.NoAck || err != nil {
		return
	}
	if !h.r.within(context.Background(), func() bool { return l.got(id.N) || l.gapSince(begun) }) {
		h.r.violated("the subscription to %s gets nothing of what was published after it was accepted; %v", h.channel, h.s.c.Status())
	}
}

func (h *churner) end(l *life) {
	ctx, cancel := h.soon()
	defer cancel()
	_ = l.sub.Unsubscribe(ctx)
	<-l.ended
}

// probe checks that who is subscribed gets what is published, when everything
// works and whatever was before.
func (h *churner) probe(ctx context.Context) {
	l := h.last()
	if l == nil {
		h.r.within(ctx, func() bool {
			l = h.begin(context.WithTimeout(ctx, settles))
			return l != nil
		})
	}
	if l == nil {
		h.r.violated("%s cannot be subscribed to, though everything works; %v", h.channel, h.s.c.Status())
		return
	}
	first := -1
	if !h.r.within(ctx, func() bool {
		id := h.publish(context.WithTimeout(ctx, settles))
		if first < 0 {
			first = id.N
		}
		return l.got(first)
	}) {
		h.r.violated("the subscription to %s gets nothing though it was accepted and everything works; %v", h.channel, h.s.c.Status())
	}
}

// last is the subscription that was not ended; nil: there is none.
func (h *churner) last() *life {
	if len(h.lives) == 0 {
		return nil
	}
	l := h.lives[len(h.lives)-1]
	select {
	case <-l.ended:
		return nil
	default:
		return l
	}
}

// got reports whether that number came, or a later one.
func (l *life) got(n int) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	for i := len(l.entries) - 1; i >= 0; i-- {
		if e := l.entries[i]; e.gap == nil && e.id.N >= n {
			return true
		}
	}
	return false
}

func (l *life) gapSince(at time.Time) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, e := range l.entries {
		if e.gap != nil && e.at.After(at) {
			return true
		}
	}
	return false
}

// stop ends what is still subscribed.
func (h *churner) stop() {
	if l := h.last(); l != nil {
		h.end(l)
	}
}
