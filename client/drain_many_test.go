package client_test

import (
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/turold/turold/bayeux"
	"github.com/turold/turold/bayeux/bayeuxtest"
	"github.com/turold/turold/client"
)

// TestDrainOfMany counts the goodbyes that are under way at once.
func TestDrainOfMany(t *testing.T) {
	count := 1000
	if raced {
		count = 200
	}
	var now, most, all atomic.Int64
	o := &bayeuxtest.Options{Take: func(ms []bayeux.Message) {
		if !has(ms, bayeux.MetaDisconnect) {
			return
		}
		all.Add(1)
		for n, m := now.Add(1), most.Load(); n > m && !most.CompareAndSwap(m, n); m = most.Load() {
			continue
		}
		time.Sleep(100 * time.Millisecond)
		now.Add(-1)
	}}
	onCrowd(t, func(x *crowd) {
		for _, sub := range x.join(count, 0) {
			go func() {
				for range sub.Messages(x.Context()) {
					time.Sleep(10 * time.Millisecond)
				}
			}()
		}
		time.Sleep(3 * time.Second)
		for n := range 5 {
			require.NoError(x, x.servers[0].Publish("/a", n))
		}
		time.Sleep(time.Second)
		begun := time.Now()
		require.NoError(x, <-x.drain(time.Minute))
		x.Logf("%d sessions drained in %v, a goodbye takes %v: at most %d at once", count, time.Since(begun), 100*time.Millisecond+2*latency, most.Load())
		require.EqualValues(x, count, all.Load())
		require.LessOrEqual(x, most.Load(), int64(64))
		require.Empty(x, x.servers[0].Sessions())
	}, o)
}

// TestDrainOfSomeThatHang: as many as may say goodbye at once are not answered,
// and keep the others from it for a second only; those of another host not at all.
func TestDrainOfSomeThatHang(t *testing.T) {
	var hung atomic.Int64
	o := &bayeuxtest.Options{Take: func(ms []bayeux.Message) {
		if has(ms, bayeux.MetaDisconnect) && hung.Add(1) <= 64 {
			time.Sleep(time.Minute)
		}
	}}
	onCrowd(t, func(x *crowd) {
		x.join(80, 0)
		x.join(10, 1)
		time.Sleep(3 * time.Second)
		done := x.drain(time.Minute)
		time.Sleep(500 * time.Millisecond)
		require.Empty(x, x.servers[1].Sessions())
		require.Len(x, x.servers[0].Sessions(), 80)
		time.Sleep(time.Second)
		require.Len(x, x.servers[0].Sessions(), 64)
		var left *client.DrainError
		require.ErrorAs(x, <-done, &left)
		require.Equal(x, &client.DrainError{Unconfirmed: 64}, left)
	}, o, nil)
}

// TestDrainAmongOthers: Dial, Close, Disconnect and a second Drain go on beside it.
func TestDrainAmongOthers(t *testing.T) {
	onCrowd(t, func(x *crowd) {
		x.join(30, 0)
		var all sync.WaitGroup
		var mu sync.Mutex
		refused := 0
		for i := range 30 {
			all.Go(func() {
				time.Sleep(time.Duration(i) * 5 * time.Millisecond)
				c, err := x.dialer.Dial(x.Context(), "http://"+host(0)+"/cometd", nil)
				mu.Lock()
				defer mu.Unlock()
				if err == nil {
					x.clients = append(x.clients, c)
					return
				}
				refused++
				require.ErrorIs(x, err, client.ErrDraining)
			})
		}
		for i, c := range x.clients[:20] {
			all.Go(func() {
				time.Sleep(time.Duration(i) * 10 * time.Millisecond)
				if i%2 == 0 {
					require.NoError(x, c.Close())
				} else {
					_ = c.Disconnect(x.Context())
				}
			})
		}
		time.Sleep(110 * time.Millisecond)
		other := x.drain(time.Minute)
		for _, done := range []<-chan error{x.drain(time.Minute), other} {
			if err := <-done; err != nil { // those that were closed in the middle of their goodbye
				var left *client.DrainError
				require.ErrorAs(x, err, &left)
				require.Zero(x, left.Unhandled+left.Unsettled)
			}
		}
		all.Wait()
		require.Positive(x, refused)
		require.Greater(x, len(x.clients), 30, "some came in before")
		for _, c := range x.clients {
			require.ErrorIs(x, c.Err(), client.ErrClosed)
		}
		require.Zero(x, x.dialer.Stats().Sessions)
	}, nil)
}

// TestDrainWakesWhoWaitsForRoom: the outbox is full, and will take nothing more.
func TestDrainWakesWhoWaitsForRoom(t *testing.T) {
	onMode(t, 0, withheld("/slow", 5*time.Second), func() *client.Options { return &client.Options{Outbox: client.Bound{Messages: 1}} }, func(s *stack) {
		_, err := s.c.Send(s.Context(), client.Draft{Channel: "/slow"})
		require.NoError(s, err)
		waits := make(chan error, 1)
		go func() {
			_, err := s.c.Send(s.Context(), client.Draft{Channel: "/slow"})
			waits <- err
		}()
		time.Sleep(time.Second)
		begun := time.Now()
		done := make(chan error, 1)
		go func() { done <- s.dialer.Drain(s.Context()) }()
		require.ErrorIs(s, <-waits, client.ErrDraining)
		require.Zero(s, time.Since(begun))
		require.NoError(s, <-done)
	})
}
