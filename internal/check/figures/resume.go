package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/turold/turold/bayeux/bayeuxtest"
	"github.com/turold/turold/client"
	"github.com/turold/turold/fallback"
	"github.com/turold/turold/internal/testutil/spread"
	"github.com/turold/turold/transport"
)

// resume resets the WebSocket of a session that has long-polling at hand, under
// events, and takes the time until the next event is with the application that
// was published after the reset. Each reset has a session of its own, which knows
// that sockets work: one session whose sockets die so often would leave them.
func resume(t *testing.T, n int) {
	d, server := open(t, bayeuxtest.Options{})
	defer server.Close()
	good := proven(t, server.URL)
	ctx, stop := context.WithCancel(t.Context())
	var feed sync.WaitGroup
	defer feed.Wait()
	defer stop()
	var published atomic.Int64
	feed.Go(func() {
		for tick := time.NewTicker(time.Millisecond); ctx.Err() == nil; <-tick.C {
			_ = server.Publish("/feed", published.Add(1))
		}
	})
	var all []time.Duration
	by := map[string]int{}
	for range n {
		took, kind := rescued(t, d, server.URL, known(t, good), &published)
		all = append(all, took)
		by[kind]++
	}
	fmt.Printf("  %s   by %v; none lost, doubled or reordered\n", spread.Of(all, 0.5, 0.99), by)
}

// rescued is one reset: how long it took, and what carried the session then.
func rescued(t *testing.T, d *door, url string, m *fallback.Memory, published *atomic.Int64) (time.Duration, string) {
	ctx, cancel := within(t)
	defer cancel()
	dialer := &client.Dialer{Policy: fallback.Policy{Memory: m}}
	defer dialer.Close()
	c, err := dialer.Dial(ctx, url, nil)
	require.NoError(t, err)
	sub, err := c.Subscribe(ctx, "/feed", nil)
	require.NoError(t, err)
	last := next(ctx, t, sub, 0)
	for c.Status().Transport != transport.WebSocket {
		last = next(ctx, t, sub, last)
	}
	for calm := time.Now().Add(20*time.Millisecond + rand.N(20*time.Millisecond)); time.Now().Before(calm); {
		last = next(ctx, t, sub, last)
	}
	mark, start := published.Load(), time.Now()
	require.Equal(t, 1, d.reset(false))
	for last <= mark {
		last = next(ctx, t, sub, last)
	}
	took, kind := time.Since(start), c.Status().Transport
	require.Equal(t, 1, c.Status().Session)
	return took, kind
}

// next is the number of the next event, which follows on the last; 0: any.
func next(ctx context.Context, t *testing.T, sub *client.Subscription, last int64) int64 {
	item, err := sub.Next(ctx)
	require.NoError(t, err)
	m, ok := item.Value()
	require.True(t, ok, "%v", item)
	n, err := strconv.ParseInt(string(m.Data), 10, 64)
	require.NoError(t, err)
	if last > 0 {
		require.Equal(t, last+1, n)
	}
	return n
}
