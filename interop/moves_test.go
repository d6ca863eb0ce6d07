package interop_test

import (
	"encoding/json"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/turold/turold/bayeux"
	"github.com/turold/turold/client"
	"github.com/turold/turold/fallback"
	"github.com/turold/turold/interop/servers"
	"github.com/turold/turold/transport"
)

// A split is a session in the default mode whose WebSockets go through one
// relay and whose HTTP goes through another.
type split struct {
	*client.Client
	http, sockets *servers.Relay
	moves         atomic.Int64 // changes of the transport, the first one included
}

func apart(t *testing.T, s *servers.Server) *split {
	t.Helper()
	p := new(split)
	var err error
	p.http, err = s.NewRelay()
	require.NoError(t, err)
	t.Cleanup(p.http.Close)
	p.sockets, err = s.NewRelay()
	require.NoError(t, err)
	t.Cleanup(p.sockets.Close)
	d := &client.Dialer{Logger: logger(t), Trace: &client.Trace{Transport: p.decided}}
	t.Cleanup(func() { _ = d.Close() })
	p.Client, err = d.Dial(t.Context(), s.URLVia(p.http.Addr()), &client.Options{WebSocketURL: "ws" + s.URLVia(p.sockets.Addr())[len("http"):]})
	require.NoError(t, err)
	return p
}

func (p *split) decided(_ *client.Client, d fallback.Decision) {
	if d.From != d.To {
		p.moves.Add(1)
	}
}

// moved waits until so many decisions were made.
func (p *split) moved(t *testing.T, decisions int64) {
	t.Helper()
	require.Eventually(t, func() bool { return p.moves.Load() >= decisions }, time.Minute, time.Millisecond, "it does not move")
}

// TestSocketDiesUnderLoad: the session moves up, and down when its socket is
// cut, and up again, under 1,000 events a second: it is the same session, and
// with ack no event is lost, doubled or out of order.
func TestSocketDiesUnderLoad(t *testing.T) {
	const count = 12_000
	for _, kind := range []*servers.Kind{servers.CometD, servers.CometD7, servers.CometD5, servers.Faye} {
		t.Run(kind.Name, func(t *testing.T) {
			t.Parallel()
			s := start(t, kind)
			c := apart(t, s)
			sub, err := c.Subscribe(t.Context(), "/lab/a", nil)
			require.NoError(t, err)
			published := make(chan error, 1)
			go func() { published <- s.Publish("/lab/a", 0, count, 1000) }()
			c.moved(t, 2)      // to long-polling, to the socket
			for n := range 2 { // a third short life would be held against sockets
				time.Sleep(time.Second)
				c.sockets.Cut()
				c.sockets.Mend()
				c.moved(t, 2+2*int64(n+1)) // down and up
			}
			last, missing, gap := -1, 0, false
			for last < count-1 {
				item, err := sub.Next(limit(t, time.Minute))
				require.NoError(t, err)
				m, ok := item.Value()
				if !ok {
					gap = true
					continue
				}
				n := numberOf(t, m)
				require.Greater(t, n, last, "doubled or out of order")
				if n > last+1 {
					require.True(t, gap, "%d after %d, and nobody said so", n, last)
					missing += n - last - 1
				}
				last, gap = n, false
			}
			require.NoError(t, <-published)
			require.Equal(t, 1, c.Status().Session)
			if kind.Ack {
				require.Zero(t, missing)
			}
			t.Logf("%d events, 5 moves, %d missing, each told", count, missing)
		})
	}
}

// TestLeaseOutlastsAnOutage: every way to a server that keeps sessions 10 s is
// dead for 25 s, and the same session goes on with all its events.
func TestLeaseOutlastsAnOutage(t *testing.T) {
	for _, kind := range []*servers.Kind{servers.CometD, servers.CometD5} {
		t.Run(kind.Name, func(t *testing.T) {
			t.Parallel()
			s := start(t, kind, "maxInterval=10000")
			c := apart(t, s)
			sub, err := c.Subscribe(t.Context(), "/lab/a", nil)
			require.NoError(t, err)
			c.moved(t, 2)
			time.Sleep(time.Second)
			c.http.Cut()
			c.sockets.Cut()
			require.NoError(t, s.Publish("/lab/a", 0, 50, 2)) // takes 25 s
			c.http.Mend()
			c.sockets.Mend()
			require.Equal(t, upTo(50), pull(t, sub, 50))
			require.Equal(t, 1, c.Status().Session)
		})
	}
}

// TestAHundredMoves: on a way on which sockets are known to live for a second and
// a half the session leaves each before, and takes another. Under 1,000 events a
// second nothing is lost or doubled, with ack and without; with ack nothing is
// out of order either.
func TestAHundredMoves(t *testing.T) {
	const moves = 100
	for _, kind := range []*servers.Kind{servers.CometD, servers.CometD5, servers.Faye} {
		for _, noAck := range []bool{false, true} {
			if noAck && !kind.Ack {
				continue // it knows none
			}
			t.Run(fmt.Sprintf("%s, without ack %v", kind.Name, noAck), func(t *testing.T) {
				t.Parallel()
				s := start(t, kind)
				var down atomic.Int64
				d := &client.Dialer{Logger: logger(t), Policy: fallback.Policy{Memory: aged(t, s, 1500*time.Millisecond)},
					Trace: &client.Trace{Transport: func(_ *client.Client, d fallback.Decision) {
						if d.Reason == fallback.ReasonLifetime {
							down.Add(1)
						}
					}}}
				t.Cleanup(func() { _ = d.Close() })
				c, err := d.Dial(t.Context(), s.URL(), &client.Options{NoAck: noAck})
				require.NoError(t, err)
				sub, err := c.Subscribe(t.Context(), "/lab/a", nil)
				require.NoError(t, err)
				seen, last, doubled, disordered, published := map[int]bool{}, -1, 0, 0, 0
				for down.Load() < moves {
					const burst = 1000
					require.NoError(t, s.Publish("/lab/a", published, burst, 1000))
					published += burst
					for len(seen) < published {
						item, err := sub.Next(limit(t, 30*time.Second))
						require.NoError(t, err)
						m, ok := item.Value()
						require.True(t, ok, "%v", item)
						n := numberOf(t, m)
						if seen[n] {
							doubled++
						}
						if n < last {
							disordered++
						}
						seen[n], last = true, max(last, n)
					}
				}
				require.Zero(t, doubled)
				if kind.Ack && !noAck {
					require.Zero(t, disordered)
				}
				require.Equal(t, 1, c.Status().Session)
				t.Logf("%d events, %d moves down: lost 0, doubled 0, %d out of order", published, down.Load(), disordered)
			})
		}
	}
}

// aged is a memory of the way to a server on which sockets are cut at an age: a
// saved one, changed.
func aged(t *testing.T, s *servers.Server, life time.Duration) *fallback.Memory {
	t.Helper()
	m := new(fallback.Memory)
	d := &client.Dialer{Policy: fallback.Policy{Memory: m}}
	defer d.Close()
	c, err := d.Dial(t.Context(), s.URL(), nil)
	require.NoError(t, err)
	require.Eventually(t, func() bool { return c.Status().Transport == transport.WebSocket }, time.Minute, time.Millisecond)
	require.NoError(t, c.Disconnect(limit(t, 10*time.Second)))
	text, err := json.Marshal(m)
	require.NoError(t, err)
	ways := map[string]word{}
	require.NoError(t, json.Unmarshal(text, &ways))
	require.Len(t, ways, 1)
	for _, known := range ways {
		known["webSocket"] = word{"life": life, "died": time.Now()}
	}
	text, err = json.Marshal(ways)
	require.NoError(t, err)
	m = new(fallback.Memory)
	require.NoError(t, json.Unmarshal(text, m))
	return m
}

func numberOf(t *testing.T, m bayeux.Message) int {
	t.Helper()
	var n number
	require.NoError(t, json.Unmarshal(m.Data, &n))
	return n.N
}
