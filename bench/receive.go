package main

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"syscall"
	"time"
)

// warmUp is what does not count.
const warmUp = 300 * time.Millisecond

func seconds(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }

// receive takes events as fast as they come, in the application's own loop.
func receive(ctx context.Context, p params) (figures, error) {
	next, err := p.receiver(ctx)
	if err != nil {
		return nil, err
	}
	n := 0
	for begun := time.Now(); time.Since(begun) < warmUp; {
		if _, err := next(); err != nil {
			return nil, err
		}
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	cpu, begun := processorTime(), time.Now()
	for until := begun.Add(seconds(p.Seconds)); time.Now().Before(until); {
		for range 16 {
			got, err := next()
			if err != nil {
				return nil, err
			}
			n += got
		}
	}
	took, spent := time.Since(begun), processorTime()-cpu
	runtime.ReadMemStats(&after)
	return figures{
		"msgs/s":     float64(n) / took.Seconds(),
		"ns/msg":     float64(spent.Nanoseconds()) / float64(n),
		"msgs/cpu-s": float64(n) / spent.Seconds(),
		"allocs/msg": float64(after.Mallocs-before.Mallocs) / float64(n),
		"B/msg":      float64(after.TotalAlloc-before.TotalAlloc) / float64(n),
	}, nil
}

// receiver returns what waits for events, and how many came.
func (p params) receiver(ctx context.Context) (func() (int, error), error) {
	switch {
	case p.Turold:
		s, err := p.begin(ctx, p.dialer(p.mode(), false), false)
		if err != nil {
			return nil, err
		}
		return func() (int, error) {
			item, err := s.events.Next(ctx)
			m, ok := item.Value()
			switch {
			case err != nil:
				return 0, err
			case !ok: // what was missed was not received
				return 0, nil
			case len(m.Data) == 0:
				return 0, errors.New("an event without data")
			}
			return 1, nil
		}, nil
	case p.Kind == "websocket":
		k, err := dialRaw(ctx, p)
		if err != nil {
			return nil, err
		}
		if err := k.begin(); err != nil {
			return nil, err
		}
		var words []word
		return func() (int, error) {
			words, err = k.next(words[:0])
			return eventsOf(words), err
		}, nil
	}
	k := poster(p, false)
	if err := k.begin(ctx); err != nil {
		return nil, err
	}
	if _, err := k.post(ctx, fmt.Sprintf(subscribeText, k.id), nil); err != nil {
		return nil, err
	}
	connect := fmt.Sprintf(connectText, k.id)
	var words []word
	return func() (n int, err error) {
		words, err = k.post(ctx, connect, words[:0])
		return eventsOf(words), err
	}, nil
}

func eventsOf(words []word) (n int) {
	for i := range words {
		if words[i].data != nil {
			n++
		}
	}
	return n
}

// processorTime is what this process has used.
func processorTime() time.Duration {
	var u syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
