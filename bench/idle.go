package main

import (
	"context"
	"fmt"
	"net/http/cookiejar"
	"os"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/turold/turold/client"
	"github.com/turold/turold/fallback"
)

// opening is how many sessions are opened at a time.
const opening = 64

// settling is how long what was opened has to fall silent: a ping of Turold is
// due every 10 s, and a poll of a second is the last that happens.
const settling = 12 * time.Second

// idle opens sessions that nothing happens on, and sees what they occupy.
func idle(ctx context.Context, p params) (figures, error) {
	open := p.rawIdle(ctx)
	if p.Turold {
		open = p.turoldIdle(ctx)
	}
	before := occupied()
	took, after, err := filled(p.N, open)
	if err != nil {
		return nil, err
	}
	f := figures{"opened s": took.Seconds()}
	for name, v := range after {
		f[name] = (v - before[name]) / float64(p.N)
	}
	runtime.KeepAlive(open)
	return f, nil
}

// filled opens n, and returns how long that took and what is occupied when they
// have fallen silent.
func filled(n int, open func() error) (took time.Duration, after figures, err error) {
	begun := time.Now()
	if err := many(n, open); err != nil {
		return 0, nil, err
	}
	took = time.Since(begun)
	time.Sleep(settling)
	runtime.GC() // a collection sets the size of the stacks that goroutines are started with
	time.Sleep(settling)
	return took, occupied(), nil
}

// many does the same n times, some of them at once, but the first alone: it finds
// out for the others whether WebSockets pass.
func many(n int, do func() error) error {
	if err := do(); err != nil {
		return err
	}
	var wg sync.WaitGroup
	var once sync.Once
	var first error
	turns := make(chan struct{}, opening)
	for range n - 1 {
		turns <- struct{}{}
		wg.Go(func() {
			defer func() { <-turns }()
			if err := do(); err != nil {
				once.Do(func() { first = err })
			}
		})
	}
	wg.Wait()
	return first
}

// occupied is what this process takes after its garbage was collected.
func occupied() figures {
	for range 3 { // stacks shrink by half each time
		debug.FreeOSMemory()
	}
	samples := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}, {Name: "/memory/classes/heap/stacks:bytes"}}
	metrics.Read(samples)
	heap, stack := float64(samples[0].Value.Uint64()), float64(samples[1].Value.Uint64())
	return figures{
		"kB": (heap + stack) / 1024, "heap kB": heap / 1024, "stack kB": stack / 1024,
		"RSS kB": resident() / 1024, "goroutines": float64(runtime.NumGoroutine()),
	}
}

// resident is what the system counts, 0 where it does not say.
func resident() float64 {
	b, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		return 0
	}
	pages, _ := strconv.Atoi(strings.Fields(string(b))[1])
	return float64(pages * os.Getpagesize())
}

// turoldIdle opens sessions in the default mode, of one Dialer, that each have a
// cookie, a subscription and the acknowledgement extension.
func (p params) turoldIdle(ctx context.Context) func() error {
	d := p.dialer(fallback.Auto, false)
	return func() error {
		s, err := p.begin(ctx, d, false)
		if err != nil {
			return err
		}
		return s.reach(ctx, p.Kind)
	}
}

// reach waits until the session is on a transport.
func (s *session) reach(ctx context.Context, kind string) error {
	for begun := time.Now(); time.Since(begun) < time.Minute; time.Sleep(5 * time.Millisecond) {
		if st := s.Status(); st.Transport == kind && st.State == client.StateConnected {
			return nil
		}
	}
	return fmt.Errorf("not on %s within a minute: %v", kind, s.Status())
}

// rawIdle opens what waits for events, on a goroutine of its own.
func (p params) rawIdle(ctx context.Context) func() error {
	if p.Kind == "websocket" {
		return func() error {
			k, err := dialRaw(ctx, p)
			if err != nil {
				return err
			}
			if err := k.begin(); err != nil {
				return err
			}
			go func() {
				for err == nil {
					_, err = k.next(nil)
				}
			}()
			return nil
		}
	}
	shared := poster(p, false)
	return func() error {
		jar, err := cookiejar.New(nil)
		if err != nil {
			return err
		}
		k := &rawPoster{http: shared.http, url: shared.url}
		client := *shared.http
		client.Jar = jar
		k.http = &client
		if err := k.begin(ctx); err != nil {
			return err
		}
		if _, err := k.post(ctx, fmt.Sprintf(subscribeText, k.id), nil); err != nil {
			return err
		}
		go func() {
			for err == nil {
				_, err = k.post(ctx, fmt.Sprintf(connectText, k.id), nil)
			}
		}()
		return nil
	}
}
