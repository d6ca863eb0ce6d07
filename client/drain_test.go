package client_test

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/turold/turold/bayeux"
	"github.com/turold/turold/bayeux/bayeuxtest"
	"github.com/turold/turold/bayeux/bayeuxtest/memnet"
	"github.com/turold/turold/client"
)

// A crowd is many sessions of one Dialer with servers in memory.
type crowd struct {
	*testing.T
	net     *memnet.Network
	dialer  *client.Dialer
	servers []*bayeuxtest.Running
	clients []*client.Client
}

// onCrowd runs f in a bubble, on one server for each of the options.
func onCrowd(t *testing.T, f func(*crowd), servers ...*bayeuxtest.Options) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		x := &crowd{T: t, net: memnet.New()}
		x.net.SetLatency(latency)
		x.dialer = &client.Dialer{DialContext: x.net.DialContext, Proxy: http.ProxyURL(nil)}
		defer x.dialer.Close()
		for i, o := range servers {
			l, err := x.net.Listen(host(i))
			require.NoError(t, err)
			s := bayeuxtest.Serve(l, "/cometd", bayeuxtest.New(o), nil)
			defer s.Close()
			x.servers = append(x.servers, s)
		}
		f(x)
	})
}

func host(server int) string { return "server" + strconv.Itoa(server) + ":80" }

// join adds n sessions with a server, subscribed to /a.
func (x *crowd) join(n, server int) (subs []*client.Subscription) {
	x.Helper()
	for range n {
		c, err := x.dialer.Dial(x.Context(), "http://"+host(server)+"/cometd", nil)
		require.NoError(x, err)
		s, err := c.Subscribe(x.Context(), "/a", nil)
		require.NoError(x, err)
		x.clients, subs = append(x.clients, c), append(subs, s)
	}
	return subs
}

// drain begins to drain, and returns what gets the result.
func (x *crowd) drain(within time.Duration) <-chan error {
	ctx, cancel := context.WithTimeout(x.Context(), within)
	done := make(chan error, 1)
	go func() { defer cancel(); done <- x.dialer.Drain(ctx) }()
	return done
}

// withheld delays what is on a channel at the server.
func withheld(ch bayeux.Channel, d time.Duration) *bayeuxtest.Options {
	return &bayeuxtest.Options{Take: func(ms []bayeux.Message) {
		if has(ms, ch) {
			time.Sleep(d)
		}
	}}
}

func has(ms []bayeux.Message, ch bayeux.Channel) bool {
	for i := range ms {
		if ms[i].Channel == ch {
			return true
		}
	}
	return false
}

func TestDrainLetsWhatWasBegunEnd(t *testing.T) {
	onStack(t, withheld("/slow", 4*time.Second), nil, func(s *stack) {
		ctx := s.Context()
		sub, err := s.c.Subscribe(ctx, "/a", nil)
		require.NoError(s, err)
		var handled atomic.Int32
		last := make(chan error, 1)
		go func() {
			for _, err := range sub.Messages(ctx) {
				if err != nil {
					last <- err
					return
				}
				time.Sleep(time.Second)
				handled.Add(1)
			}
		}()
		for n := range 10 {
			require.NoError(s, s.server.Publish("/a", n))
		}
		time.Sleep(2500 * time.Millisecond)
		receipt, err := s.c.Send(ctx, client.Draft{Channel: "/slow", Data: 1})
		require.NoError(s, err)
		done := make(chan error, 1)
		go func() { done <- s.dialer.Drain(ctx) }()
		time.Sleep(time.Second)

		require.NoError(s, s.server.Publish("/a", "too late"))
		_, err = s.dialer.Dial(ctx, site, nil)
		require.ErrorIs(s, err, client.ErrDraining)
		require.ErrorIs(s, err, client.ErrClosed)
		_, err = s.c.Subscribe(ctx, "/b", nil)
		require.ErrorIs(s, err, client.ErrDraining)
		_, err = s.c.Listen("/b", nil)
		require.ErrorIs(s, err, client.ErrDraining)
		err = s.c.Publish(ctx, "/a", 1)
		require.ErrorIs(s, err, client.ErrDraining)
		var outcome *client.OutcomeError
		require.ErrorAs(s, err, &outcome)
		require.False(s, outcome.Sent)
		_, err = s.c.Call(ctx, "a", 1)
		require.ErrorIs(s, err, client.ErrDraining)
		require.Len(s, s.server.Sessions(), 1, "it lives on meanwhile")

		require.NoError(s, <-done)
		require.EqualValues(s, 10, handled.Load(), "what was queued, and nothing of later")
		require.ErrorIs(s, <-last, client.ErrDraining)
		select {
		case <-receipt.Done():
			require.NoError(s, receipt.Err())
		default:
			require.Fail(s, "the publish is not settled")
		}
		require.Empty(s, s.server.Sessions(), "it said goodbye")
		require.ErrorIs(s, s.c.Err(), client.ErrClosed)
		require.EqualValues(s, 1, s.c.Status().Dropped, "what was too late")
		require.Zero(s, s.dialer.Stats().Sessions)
		require.NoError(s, s.dialer.Drain(ctx), "there is nothing to drain")
		_, err = s.dialer.Dial(ctx, site, nil)
		require.ErrorIs(s, err, client.ErrDraining)
	})
}

// TestDrainWaitsForEachConsumer: of three workers on one queue the slowest counts.
func TestDrainWaitsForEachConsumer(t *testing.T) {
	onCrowd(t, func(x *crowd) {
		sub := x.join(1, 0)[0]
		var handled atomic.Int32
		for worker := range 3 {
			go func() {
				for {
					if _, err := sub.Next(x.Context()); err != nil {
						return
					}
					time.Sleep(time.Duration(1+5*worker) * time.Second)
					handled.Add(1)
				}
			}()
		}
		time.Sleep(time.Second)
		for n := range 3 {
			require.NoError(x, x.servers[0].Publish("/a", n))
		}
		time.Sleep(time.Second)
		require.NoError(x, <-x.drain(time.Minute))
		require.EqualValues(x, 3, handled.Load())
	}, nil)
}

func TestDrainDoesNotWaitForWhomNobodyWaits(t *testing.T) {
	for name, goes := range map[string]func(*crowd, *client.Subscription){
		"the loop is left": func(x *crowd, sub *client.Subscription) {
			for range sub.Messages(x.Context()) {
				time.Sleep(time.Second)
				break
			}
		},
		"unsubscribed": func(x *crowd, sub *client.Subscription) {
			time.Sleep(time.Second)
			require.NoError(x, sub.Unsubscribe(x.Context()))
		},
		"closed": func(x *crowd, _ *client.Subscription) {
			time.Sleep(time.Second)
			require.NoError(x, x.clients[0].Close())
		},
	} {
		t.Run(name, func(t *testing.T) {
			onCrowd(t, func(x *crowd) {
				sub := x.join(1, 0)[0]
				time.Sleep(time.Second)
				require.NoError(x, x.servers[0].Publish("/a", 1))
				time.Sleep(time.Second)
				done := x.drain(time.Minute)
				goes(x, sub)
				require.NoError(x, <-done)
			}, nil)
		})
	}
}

// TestDrainIsBounded has one session with each kind of remainder.
func TestDrainIsBounded(t *testing.T) {
	onCrowd(t, func(x *crowd) {
		x.join(1, 0) // nobody reads its subscription
		require.NoError(x, x.servers[0].Publish("/a", 1))
		x.join(2, 1)
		x.join(3, 0)
		time.Sleep(5 * time.Second)
		x.net.Stall(host(1), true, true)
		_, err := x.clients[1].Send(x.Context(), client.Draft{Channel: "/a", Data: 1})
		require.NoError(x, err)
		begun := time.Now()
		done := x.drain(3 * time.Second)
		time.Sleep(time.Second)
		require.Len(x, x.servers[0].Sessions(), 1, "those that can are gone")
		var left *client.DrainError
		require.ErrorAs(x, <-done, &left)
		require.LessOrEqual(x, time.Since(begun), 3*time.Second+200*time.Millisecond)
		require.Equal(x, &client.DrainError{Unhandled: 1, Unsettled: 1, Unconfirmed: 3, Err: context.DeadlineExceeded}, left)
		require.ErrorIs(x, left, context.DeadlineExceeded)
		require.Contains(x, left.Error(), "unhandled: 1, unsettled: 1, unconfirmed: 3")
		for _, c := range x.clients {
			require.ErrorIs(x, c.Err(), client.ErrClosed)
		}
		x.net.Stall(host(1), false, false)
	}, nil, nil)
}

// TestDrainWithoutAnswers: a server that answers no goodbye leaves each its NetworkDelay,
// and says so.
func TestDrainWithoutAnswers(t *testing.T) {
	onCrowd(t, func(x *crowd) {
		x.join(1, 0)
		var left *client.DrainError
		require.ErrorAs(x, <-x.drain(time.Minute), &left)
		require.Equal(x, &client.DrainError{Unconfirmed: 1}, left)
	}, withheld(bayeux.MetaDisconnect, 30*time.Second))
}

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

// TestDrainTellsConsumersApart: another consumer that comes, or waits no longer,
// has not handled what one has in hands for five seconds.
func TestDrainTellsConsumersApart(t *testing.T) {
	const handling = 5 * time.Second
	poll := func(x *crowd, sub *client.Subscription) {
		for {
			if _, err := next(x.T, sub, time.Second); err != nil && !errors.Is(err, context.DeadlineExceeded) {
				return
			}
		}
	}
	loop := func(x *crowd, sub *client.Subscription) {
		for _, err := range sub.Messages(x.Context()) {
			if err == nil {
				time.Sleep(handling)
			}
		}
	}
	call := func(x *crowd, sub *client.Subscription) {
		for {
			if _, err := sub.Next(x.Context()); err != nil {
				return
			}
			time.Sleep(handling)
		}
	}
	for name, tc := range map[string]struct {
		first, other func(*crowd, *client.Subscription)
		before       bool // the other waits when the message comes
	}{
		"loops":                           {loop, loop, false},
		"loops that waited":               {loop, loop, true},
		"a loop and calls":                {loop, call, false},
		"a loop and one that polls":       {loop, poll, false},
		"calls that waited":               {call, call, true},
		"a call and one that polled":      {call, poll, true},
		"a call and a loop":               {call, loop, false},
		"a call, and one that only tries": {call, func(x *crowd, sub *client.Subscription) { _, _ = next(x.T, sub, time.Second) }, false},
		"a call alone":                    {call, func(*crowd, *client.Subscription) {}, false},
		"a call that left": {func(x *crowd, sub *client.Subscription) {
			_, _ = sub.Next(x.Context())
			time.Sleep(handling)
			_, _ = sub.Next(ended())
		}, func(*crowd, *client.Subscription) {}, false},
	} {
		t.Run(name, func(t *testing.T) {
			onCrowd(t, func(x *crowd) {
				sub := x.join(1, 0)[0]
				var all sync.WaitGroup
				all.Go(func() { tc.first(x, sub) })
				synctest.Wait()
				if tc.before {
					all.Go(func() { tc.other(x, sub) })
				}
				time.Sleep(1500 * time.Millisecond)
				require.NoError(x, x.servers[0].Publish("/a", 1))
				begun := time.Now()
				time.Sleep(100 * time.Millisecond)
				if !tc.before {
					all.Go(func() { tc.other(x, sub) })
				}
				time.Sleep(1500 * time.Millisecond)
				require.NoError(x, <-x.drain(time.Minute))
				require.InDelta(x, handling, time.Since(begun), float64(time.Second+100*time.Millisecond), "the one that has the message is waited for, and nobody else")
				all.Wait()
			}, nil)
		})
	}
}

// ended is a context that is over.
func ended() context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	return ctx
}

// TestWhatEndsADial: Close and Drain, once or several times at once, end a Dial
// that is under way, whatever it waits for, at once and with what they say.
func TestWhatEndsADial(t *testing.T) {
	for end, tc := range map[string]struct {
		call func(d *client.Dialer)
		err  error
	}{
		"Close":           {func(d *client.Dialer) { d.Close() }, client.ErrClosed},
		"Drain":           {func(d *client.Dialer) { _ = d.Drain(context.Background()) }, client.ErrDraining},
		"a drain in time": {func(d *client.Dialer) { _ = d.Drain(ended()) }, client.ErrDraining},
	} {
		for wait, o := range map[string]*client.Options{
			"the network": {KeepDialing: true},
			"the Credentials": {Credentials: func(ctx context.Context, _ *client.Credential) (*client.Credential, error) {
				<-ctx.Done()
				return nil, ctx.Err()
			}},
			"its next try": {KeepDialing: true},
		} {
			for _, mode := range modes {
				t.Run(end+" "+wait+" "+mode.String(), func(t *testing.T) {
					onCrowd(t, func(x *crowd) {
						x.dialer.Policy.Mode = mode
						x.net.BlackHole(host(0), wait == "the network")
						x.net.Refuse(host(0), wait == "its next try")
						done := make(chan error, 1)
						go func() {
							_, err := x.dialer.Dial(x.Context(), "http://"+host(0)+"/cometd", o)
							done <- err
						}()
						time.Sleep(3 * time.Second)
						begun := time.Now()
						var all sync.WaitGroup
						for range 3 {
							all.Go(func() { tc.call(x.dialer) })
						}
						err := <-done
						all.Wait()
						require.LessOrEqual(x, time.Since(begun), 100*time.Millisecond)
						require.ErrorIs(x, err, tc.err)
						var op *client.OpError
						require.ErrorAs(x, err, &op)
						require.Equal(x, "dial", op.Op)
						_, err = x.dialer.Dial(x.Context(), "http://"+host(0)+"/cometd", nil)
						require.ErrorIs(x, err, tc.err)
						require.ErrorAs(x, err, &op)
					}, nil)
				})
			}
		}
	}
}
