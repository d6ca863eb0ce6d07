package fallback_test

import (
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/turold/turold/fallback"
	"github.com/turold/turold/transport"
)

// TestNetworkDown: where HTTP would be refused as well a refused socket is no
// reason to try it.
func TestNetworkDown(t *testing.T) {
	inWorld(t, func(w *world) {
		w.net.Refuse(address, true)
		w.start(fallback.Policy{Mode: fallback.WebSocketFirst})
		const attempts = 20
		time.Sleep(attempts*(pause+trip) - 1)
		w.dialled(attempts, 0)
		saw := w.user.saw()
		require.Equal(w, attempts, saw.failures)
		require.Len(w, saw.ends, attempts, "each failure is passed on")
		for _, e := range saw.ends {
			require.False(w, e.RetryNow)
		}
		w.decided()
		w.net.Refuse(address, false)
		time.Sleep(2 * pause)
		w.decided(">websocket first")
		w.dialled(attempts+1, 0)
		w.lives(socket)
	})
}

// TestServerDown: where both fail nothing is learnt. The first failure costs a
// second request at once, from then on they take turns.
func TestServerDown(t *testing.T) {
	for name, up := range map[string]struct {
		after int // attempts
		first string
	}{
		"back at the socket's turn": {21, ">websocket first"},
		"back at HTTP's turn":       {20, ">long-polling refused"},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, func(w *world) {
				var upgrades, posts int // the server takes one at a time
				w.all(func(rw http.ResponseWriter, r *http.Request) bool {
					if r.Header.Get("Upgrade") != "" {
						upgrades++
					} else {
						posts++
					}
					http.Error(rw, "", http.StatusBadGateway)
					return true
				})
				w.start(fallback.Policy{Mode: fallback.WebSocketFirst})
				var requests []int
				for w.user.saw().failures < up.after {
					time.Sleep(10 * time.Millisecond)
					if n := w.user.saw().failures; len(requests) < n {
						requests = append(requests, upgrades+posts)
					}
				}
				require.Equal(w, 2, requests[0])
				for i := 1; i < len(requests); i++ {
					require.Equal(w, 1, requests[i]-requests[i-1], "requests in a step of the backoff")
				}
				require.InDelta(w, upgrades, posts, 1)
				w.decided()
				w.all(nil)
				time.Sleep(pause + 10*trip)
				w.decided(up.first)
				if up.first == ">websocket first" {
					w.lives(socket)
					return
				}
				w.lives(polling)
				// What failed in an outage says nothing: the next session goes by a socket.
				w.server.Forget("")
				time.Sleep(time.Minute)
				w.decided(up.first, "long-polling>websocket back")
			})
		})
	}
}

// TestBlackHole: nothing answers for a while, on neither pipe.
func TestBlackHole(t *testing.T) {
	inWorld(t, func(w *world) {
		w.net.BlackHole(address, true)
		w.start(fallback.Policy{Mode: fallback.WebSocketFirst})
		time.Sleep(2 * time.Minute)
		w.decided()
		sockets, posts := w.dialCount()
		failures := w.user.saw().failures
		require.LessOrEqual(w, sockets, failures+1)
		require.LessOrEqual(w, posts, failures+1)
		w.net.BlackHole(address, false)
		time.Sleep(time.Minute)
		require.Len(w, w.told(), 1)
		w.lives(w.told()[0].To)
	})
}

// serving starts a world and waits until it is served by a socket.
func (w *world) serving(p fallback.Policy) {
	w.Helper()
	w.start(p)
	time.Sleep(10 * trip)
	w.lives(socket)
	w.decided(">websocket first")
	w.dialled(1, 0)
}

// TestSocketDies: it is dialled again, and the session goes on.
func TestSocketDies(t *testing.T) {
	inWorld(t, func(w *world) {
		w.serving(fallback.Policy{Mode: fallback.WebSocketFirst})
		for n := range 3 {
			w.net.Reset(address)
			time.Sleep(pause + 5*trip)
			w.dialled(n+2, 0)
		}
		w.lives(socket)
		w.decided(">websocket first")
		require.Len(w, w.user.saw().shakes, 1, "the session lived")
	})
}

// TestRedialFails: a socket that served, died, and cannot be had again.
func TestRedialFails(t *testing.T) {
	for name, c := range map[string]struct {
		hostile func(w *world) func(http.ResponseWriter, *http.Request) bool
		reason  fallback.Reason
		turns   time.Duration // from the dial until HTTP is asked
	}{
		"refused": {func(*world) func(http.ResponseWriter, *http.Request) bool { return status(403) }, fallback.ReasonRefused, 2 * trip},
		"hang":    {func(w *world) func(http.ResponseWriter, *http.Request) bool { return w.hang }, fallback.ReasonHang, wait},
		"mute":    {func(w *world) func(http.ResponseWriter, *http.Request) bool { return w.opens("") }, fallback.ReasonMute, 2*trip + wait},
		"HTML":    {func(w *world) func(http.ResponseWriter, *http.Request) bool { return w.opens(html) }, fallback.ReasonWrong, 3 * trip},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, func(w *world) {
				w.serving(fallback.Policy{Mode: fallback.WebSocketFirst})
				before := w.user.saw()
				w.sockets(c.hostile(w))
				w.net.Reset(address)
				down := time.Now()
				time.Sleep(pause + wait + 10*trip)
				saw := w.user.saw()
				connects := saw.connects[len(before.connects):]
				i := 0
				for connects[i].kind == socket {
					i++
				}
				require.Equal(w, pause+c.turns, connects[i].at.Sub(down), "when HTTP was asked")
				// A session that was born on a socket is not known by HTTP.
				require.Len(w, saw.granted, 2)
				require.Equal(w, polling, saw.shakes[1].kind)
				w.decided(">websocket first", "websocket>long-polling "+string(c.reason))
				w.dialled(2, 1)
				w.lives(polling)
				w.dialled(2, 2)
				w.decided(">websocket first", "websocket>long-polling "+string(c.reason))
			})
		})
	}
}

// TestForgotten: the handshake of a new session goes by a socket again, if the
// last failure is old enough.
func TestForgotten(t *testing.T) {
	inWorld(t, func(w *world) {
		w.sockets(status(403))
		w.start(fallback.Policy{Mode: fallback.WebSocketFirst})
		time.Sleep(20 * time.Second)
		w.decided(">long-polling refused")
		w.sockets(nil)

		w.server.Forget("")
		time.Sleep(30 * time.Second) // the poll that is held is answered at the end of its hold
		require.Len(w, w.user.saw().granted, 2)
		w.decided(">long-polling refused")
		sockets, _ := w.dialCount()
		require.Equal(w, 1, sockets, "within the minute")

		time.Sleep(time.Minute)
		w.server.Forget("")
		time.Sleep(30 * time.Second)
		require.Len(w, w.user.saw().granted, 3)
		w.decided(">long-polling refused", "long-polling>websocket back")
		w.lives(socket)

		w.sockets(status(403))
		w.server.Forget("")
		time.Sleep(30 * time.Second)
		w.decided(">long-polling refused", "long-polling>websocket back", "websocket>long-polling refused")
		w.lives(polling)

		w.server.Forget("") // and where a socket is tried in vain nothing has changed
		time.Sleep(30 * time.Second)
		w.lives(polling)
		w.decided(">long-polling refused", "long-polling>websocket back", "websocket>long-polling refused")
		sockets, _ = w.dialCount()
		require.Equal(w, 4, sockets)
	})
}

// TestUnwanted: what the server does not offer is not tried again.
func TestUnwanted(t *testing.T) {
	inWorld(t, func(w *world) {
		w.options.NoWebSocket = true
		w.start(fallback.Policy{Mode: fallback.WebSocketFirst})
		time.Sleep(10 * trip)
		for range 3 {
			w.lives(polling)
			w.server.Forget("")
			time.Sleep(time.Minute)
		}
		require.Len(w, w.user.saw().granted, 4)
		sockets, _ := w.dialCount()
		require.Equal(w, 1, sockets)
		w.decided(">long-polling refused")
	})
}

// TestOtherHost: the two addresses are compared with the ports they mean.
func TestOtherHost(t *testing.T) {
	for _, c := range []struct {
		http, socket string
		falls        bool
	}{
		{"http://server:80/cometd", "ws://server/cometd", false},
		{"http://server/cometd", "ws://SERVER:80/other", false},
		{"http://server/cometd", "ws://server:8080/cometd", true},
		{"http://server/cometd", "ws://other/cometd", true},
	} {
		inWorld(t, func(w *world) {
			w.target.URL, _ = url.Parse(c.http)
			w.target.SocketURL, _ = url.Parse(c.socket)
			for _, a := range []string{"server:80", "SERVER:80", "server:8080", "other:80"} {
				if a != address || !c.falls {
					w.net.Refuse(a, true)
				}
			}
			w.start(fallback.Policy{Mode: fallback.WebSocketFirst})
			time.Sleep(5 * time.Second)
			_, posts := w.dialCount()
			require.Equal(w, c.falls, posts > 0, "%s and %s", c.http, c.socket)
			if c.falls {
				w.decided(">long-polling dial failed")
			}
		})
	}
}

// TestTransportCauses: the evidence of a decision is what the pipe said.
func TestTransportCauses(t *testing.T) {
	inWorld(t, func(w *world) {
		w.sockets(status(403))
		w.start(fallback.Policy{Mode: fallback.WebSocketFirst})
		time.Sleep(5 * time.Second)
		var e *transport.Error
		require.ErrorAs(w, w.told()[0].Err, &e)
		require.Equal(w, "upgrade", e.Op)
		require.Equal(w, 403, e.Status)
	})
}
