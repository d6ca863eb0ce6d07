package client_test

import (
	"context"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/turold/turold/bayeux"
	"github.com/turold/turold/bayeux/bayeuxtest"
	"github.com/turold/turold/client"
)

// TestWhoAsksAtEachGapMissesNothing has two subscriptions match the same events, and
// sessions that end. In each new session the server takes one channel long before the
// other. A reader that asks for the whole truth at each gap has everything at any
// time, whichever of the two it reads.
func TestWhoAsksAtEachGapMissesNothing(t *testing.T) {
	for name, so := range map[string]*bayeuxtest.Options{"ack": {}, "without ack": {NoAck: true}, "Faye": {Profile: bayeuxtest.Faye}} {
		for _, late := range []bayeux.Channel{"/a/b", "/a/*"} {
			t.Run(name+string(late), func(t *testing.T) {
				var slow atomic.Bool
				so := *so
				so.Authorize = func(_ *http.Request, m bayeux.Message) string {
					if slow.Load() && m.Channel == bayeux.MetaSubscribe && slices.Contains(m.Meta.Subscription, late) {
						time.Sleep(3 * time.Second)
					}
					return ""
				}
				onStack(t, &so, nil, func(s *stack) { asksAtEachGap(s, late, &slow) })
			})
		}
	}
}

func asksAtEachGap(s *stack, late bayeux.Channel, slow *atomic.Bool) {
	first := map[bayeux.Channel]bayeux.Channel{"/a/b": "/a/*", "/a/*": "/a/b"}[late]
	ctx, end := context.WithCancel(s.Context())
	var readers sync.WaitGroup
	defer readers.Wait()
	defer end()
	var published atomic.Int64
	var all []*truth
	for _, ch := range []bayeux.Channel{first, late} { // a new session asks in this order
		sub, err := s.c.Subscribe(s.Context(), ch, nil)
		require.NoError(s, err)
		r := &truth{channel: ch}
		all = append(all, r)
		readers.Go(func() { r.read(ctx, s, sub, &published) })
	}
	slow.Store(true)
	for range 3 {
		s.server.Forget("")
		for range 300 { // the end is found out within the hold
			n := published.Add(1)
			require.NoError(s, s.server.Publish(map[bool]bayeux.Channel{true: "/a/b", false: "/a/c"}[n%2 == 0], n))
			time.Sleep(100 * time.Millisecond)
		}
	}
	time.Sleep(time.Minute)
	end()
	readers.Wait()
	for _, r := range all {
		require.GreaterOrEqual(s, r.has, published.Load()-1, r.channel)
		require.GreaterOrEqual(s, r.gaps, 3, r.channel)
	}
}

// A truth is what a reader has: all up to a number.
type truth struct {
	channel bayeux.Channel
	has     int64
	gaps    int
}

func (r *truth) read(ctx context.Context, t assert.TestingT, sub *client.Subscription, published *atomic.Int64) {
	for item := range sub.Messages(ctx) {
		m, ok := item.Value()
		if !ok {
			if item.Gap() == nil {
				return
			}
			r.gaps++
			r.has = published.Load()
			continue
		}
		n, err := strconv.ParseInt(string(m.Data), 10, 64)
		assert.NoError(t, err)
		for next := r.has + 1; next < n; next++ {
			if r.channel.Matches("/a/c") || next%2 == 0 {
				assert.Failf(t, "missing", "%s gets %d, and has had no word of %d", r.channel, n, next)
			}
		}
		r.has = max(r.has, n)
	}
}
