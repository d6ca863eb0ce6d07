package client_test

import (
	"context"
	"net/http"
	"strconv"
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
