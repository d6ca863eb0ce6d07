package interop_test

import (
	"encoding/json"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/turold/turold/bayeux"
	"github.com/turold/turold/client"
	"github.com/turold/turold/fallback"
	"github.com/turold/turold/interop/servers"
)

// A split is a session in the default mode whose WebSockets go through one
// relay and whose HTTP goes through another.
type split struct {
	*client.Client
	http, sockets *servers.Relay
	moves         atomic.Int64 // decisions, the first one included
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
	d := &client.Dialer{Logger: logger(t), Trace: &client.Trace{Transport: func(*client.Client, fallback.Decision) { p.moves.Add(1) }}}
	t.Cleanup(d.Close)
	p.Client, err = d.Dial(t.Context(), s.URLVia(p.http.Addr()), &client.Options{WebSocketURL: "ws" + s.URLVia(p.sockets.Addr())[len("http"):]})
	require.NoError(t, err)
	return p
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
				m, err := sub.Next(limit(t, time.Minute))
				if g := (*client.GapError)(nil); errors.As(err, &g) {
					gap = true
					continue
				}
				require.NoError(t, err)
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

func numberOf(t *testing.T, m bayeux.Message) int {
	t.Helper()
	var n number
	require.NoError(t, json.Unmarshal(m.Data, &n))
	return n.N
}
