package main

import (
	"context"
	"fmt"
	"time"

	"github.com/turold/turold/fallback"
)

// first is how long it takes from nothing to the first event, which the server
// has with the subscription or right after it.
func first(ctx context.Context, p params) (figures, error) {
	do := p.turoldFirst
	if !p.Turold {
		do = p.rawFirst
	}
	m := new(fallback.Memory)
	if p.Known {
		if err := p.learn(ctx, m); err != nil {
			return nil, err
		}
	}
	begun := time.Now()
	if err := do(ctx, m); err != nil {
		return nil, err
	}
	took := time.Since(begun)
	return figures{"ms": float64(took.Microseconds()) / 1e3, "round trips": took.Seconds() / roundTrip.Seconds()}, nil
}

// learn has a session of another Dialer reach a WebSocket.
func (p params) learn(ctx context.Context, m *fallback.Memory) error {
	d := p.dialer(fallback.Auto, true)
	defer d.Close()
	d.Policy.Memory = m
	s, err := p.begin(ctx, d, true)
	if err != nil {
		return err
	}
	return s.reach(ctx, "websocket")
}

func (p params) turoldFirst(ctx context.Context, m *fallback.Memory) error {
	d := p.dialer(fallback.Auto, true)
	d.Policy.Memory = m
	s, err := p.begin(ctx, d, true)
	if err == nil {
		_, err = s.next(ctx)
	}
	return err
}

// rawFirst is POSTs: the handshake, a subscribe with a connect that is answered
// at once, and if that brings nothing a connect that may be held.
func (p params) rawFirst(ctx context.Context, _ *fallback.Memory) error {
	k := poster(p, true)
	if err := k.begin(ctx); err != nil {
		return err
	}
	words, err := k.post(ctx, fmt.Sprintf(firstText, k.id), nil)
	if err == nil && eventsOf(words) == 0 {
		words, err = k.post(ctx, fmt.Sprintf(connectText, k.id), nil)
	}
	if err == nil && eventsOf(words) == 0 {
		err = fmt.Errorf("no event in %d messages", len(words))
	}
	return err
}
