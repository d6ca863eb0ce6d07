package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/turold/turold/client"
	"github.com/turold/turold/fallback"
	"github.com/turold/turold/internal/testutil/spread"
)

// A setting is what a user may set to have a silence found out sooner.
type setting struct {
	name    string
	o       client.Options
	silence time.Duration
}

var settings = []setting{
	{"default settings", client.Options{}, 0},
	{"Silence 1 s", client.Options{}, time.Second},
	{"both delays 1 s", client.Options{NetworkDelay: time.Second}, time.Second},
}

// silence has every connection of n sessions fall silent at an instant, while new
// ones are whole, and takes the time until each session gets events again. Before
// it events come once a second, or none for a while. What is seen is the client's
// own doing: a network in memory has no keep-alive, by which the system finds out
// about a connection that is idle as one with a held poll is (transport.SharedConfig).
func silence(t *testing.T, n int) {
	for _, mode := range []fallback.Mode{fallback.WebSocketOnly, fallback.Auto, fallback.LongPollingOnly} {
		for _, s := range settings {
			for _, calm := range []time.Duration{0, 40 * time.Second} {
				synctest.Test(t, func(t *testing.T) {
					took := fallsSilent(t, mode, s, calm, n)
					fmt.Printf("  %-15s %-17s no events for %-4v %s\n", mode, s.name, calm, spread.Of(took, 0, 0.5))
					require.Len(t, took, n)
				})
			}
		}
	}
}

// fallsSilent is one silence, with n sessions that are of different ages, after a
// time without events.
func fallsSilent(t *testing.T, mode fallback.Mode, s setting, calm time.Duration, n int) (took []time.Duration) {
	f := newFarm(t)
	f.silence = s.silence
	defer f.end()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var silent time.Time // guarded by f's lock, as took is
	var dials, readers sync.WaitGroup
	defer readers.Wait()
	defer cancel()
	for range n {
		dials.Go(func() {
			time.Sleep(rand.N(40 * time.Second))
			sub, err := f.member(mode, s.o, nil).c.Subscribe(ctx, "/feed", nil)
			require.NoError(t, err)
			readers.Go(func() { f.read(ctx, sub, &silent, &took) })
		})
	}
	dials.Wait()
	for start := time.Now(); calm == 0 && time.Since(start) < 5*time.Second; { // they are all asked alike
		_ = f.server.Publish("/feed", 1)
		time.Sleep(time.Second + rand.N(100*time.Millisecond))
	}
	time.Sleep(calm + rand.N(time.Second))
	f.do(func() { silent = time.Now() })
	require.Positive(t, f.net.Silence(atHTTP)+f.net.Silence(atSocket))
	for f.count(&took) < n {
		require.Less(t, time.Since(silent), 2*time.Minute)
		time.Sleep(100 * time.Millisecond)
		_ = f.server.Publish("/feed", 1)
	}
	return took
}

func (f *farm) count(all *[]time.Duration) (n int) {
	f.do(func() { n = len(*all) })
	return n
}

// read reads until the first event that came after the silence began, gaps aside.
func (f *farm) read(ctx context.Context, sub *client.Subscription, silent *time.Time, took *[]time.Duration) {
	for first := false; !first; {
		item, _ := sub.Next(ctx)
		if ctx.Err() != nil {
			return
		}
		_, event := item.Value()
		f.do(func() {
			// What was on its way still comes.
			if first = event && !silent.IsZero() && time.Since(*silent) > 2*oneWay; first {
				*took = append(*took, time.Since(*silent))
			}
		})
	}
}
