package fallback_test

import (
	"net/http"
	"net/url"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/turold/turold/fallback"
	"github.com/turold/turold/internal/testutil/testnet"
	"github.com/turold/turold/transport"
)

const (
	socket  = transport.WebSocket
	polling = transport.LongPolling
	wait    = fallback.DefaultPatience
)

// A text frame of HTML, and close frames, as a server writes them.
const (
	html                = "\x81\x0e<html>No</html"
	c1000, c1002, c1011 = "\x88\x02\x03\xe8", "\x88\x02\x03\xea", "\x88\x02\x03\xf3"
)

// TestBegin: a session begins wherever HTTP works, and where it takes how long.
func TestBegin(t *testing.T) {
	answers := func(f func(http.ResponseWriter, *http.Request) bool) func(*world) {
		return func(w *world) { w.sockets(f) }
	}
	opens := func(s string) func(*world) { return func(w *world) { w.sockets(w.opens(s)) } }
	for _, c := range []struct {
		name   string
		world  func(*world)
		reason fallback.Reason
		turns  time.Duration // from the first Wake until HTTP is asked
		shakes int
	}{
		// A round trip for TCP, one for the upgrade, one for the handshake.
		{"clear", func(*world) {}, "", 0, 1},
		{"400", answers(status(400)), fallback.ReasonRefused, 2 * trip, 1},
		{"403", answers(status(403)), fallback.ReasonRefused, 2 * trip, 1},
		{"426", answers(status(426)), fallback.ReasonRefused, 2 * trip, 1},
		{"502", answers(status(502)), fallback.ReasonRefused, 2 * trip, 1},
		{"no 101", func(w *world) { w.sockets(w.hang) }, fallback.ReasonHang, wait, 1},
		{"mute", opens(""), fallback.ReasonMute, 2*trip + wait, 2},
		{"HTML", opens(html), fallback.ReasonWrong, 3 * trip, 2},
		{"close 1000", opens(c1000), fallback.ReasonWrong, 3 * trip, 2},
		{"close 1002", opens(c1002), fallback.ReasonWrong, 3 * trip, 2},
		{"close 1011", opens(c1011), fallback.ReasonWrong, 3 * trip, 2},
		{"reset after 101", func(w *world) {
			w.sockets(func(rw http.ResponseWriter, r *http.Request) bool {
				c, _, _ := rw.(http.Hijacker).Hijack()
				_, _ = c.Write([]byte(testnet.Switching(r, "")))
				time.Sleep(2 * trip)
				_ = c.Close()
				return true
			})
		}, fallback.ReasonLost, 3*trip + oneWay, 2},
		{"another address, refused", func(w *world) { w.target.SocketURL = &url.URL{Scheme: "ws", Host: apart, Path: "/cometd"} },
			fallback.ReasonDial, trip, 1},
		{"another address, a black hole", func(w *world) {
			w.target.SocketURL = &url.URL{Scheme: "ws", Host: apart, Path: "/cometd"}
			w.net.BlackHole(apart, true)
		}, fallback.ReasonHang, wait, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			inWorld(t, func(w *world) {
				c.world(w)
				w.start(fallback.Policy{Mode: fallback.WebSocketFirst})
				time.Sleep(wait + 10*trip)
				saw := w.user.saw()
				require.Len(w, saw.granted, 1)
				require.Len(w, saw.shakes, c.shakes)
				require.Zero(w, saw.failures, "the user was made to back off")
				last := saw.shakes[len(saw.shakes)-1]
				if c.reason == "" {
					require.Equal(w, sighting{socket, w.begun.Add(2 * trip)}, last)
					require.Equal(w, sighting{socket, w.begun.Add(3 * trip)}, saw.granted[0])
					w.decided(">websocket first")
					w.dialled(1, 0)
					w.lives(socket)
					return
				}
				require.Equal(w, polling, last.kind)
				require.WithinRange(w, last.at, w.begun.Add(c.turns), w.begun.Add(c.turns+oneWay))
				require.Equal(w, last.at.Add(2*trip), saw.granted[0].at, "TCP and the POST")
				for _, e := range saw.ends {
					require.True(w, e.RetryNow, "%v", e)
				}
				w.decided(">long-polling " + string(c.reason))
				w.dialled(1, 1)
				w.lives(polling)
				w.dialled(1, 2)
				w.decided(">long-polling " + string(c.reason))
			})
		})
	}
}

// TestPatience: the policy's, for opening and for answering.
func TestPatience(t *testing.T) {
	for name, c := range map[string]struct {
		hostile func(w *world) func(http.ResponseWriter, *http.Request) bool
		from    time.Duration
	}{
		"open":   {func(w *world) func(http.ResponseWriter, *http.Request) bool { return w.hang }, 0},
		"answer": {func(w *world) func(http.ResponseWriter, *http.Request) bool { return w.opens("") }, 2 * trip},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, func(w *world) {
				w.sockets(c.hostile(w))
				w.start(fallback.Policy{Mode: fallback.WebSocketFirst, Patience: 500 * time.Millisecond})
				time.Sleep(5 * time.Second)
				shakes := w.user.saw().shakes
				last := shakes[len(shakes)-1]
				require.Equal(w, polling, last.kind)
				require.Equal(w, c.from+500*time.Millisecond, last.at.Sub(w.begun))
			})
		})
	}
}

// TestImpatientHandler: who cuts what does not answer before the patience is
// over comes to HTTP all the same.
func TestImpatientHandler(t *testing.T) {
	inWorld(t, func(w *world) {
		w.sockets(w.opens(""))
		w.user.delay = time.Second
		w.start(fallback.Policy{Mode: fallback.WebSocketFirst})
		time.Sleep(2 * time.Minute)
		w.decided(">long-polling mute")
		saw := w.user.saw()
		first, last := saw.shakes[0], saw.shakes[len(saw.shakes)-1]
		require.LessOrEqual(w, last.at.Sub(first.at), wait+pause+2*trip+time.Second)
		w.lives(polling)
	})
}

// TestLateSocket: a socket that opens after the turn gets nothing and is gone.
func TestLateSocket(t *testing.T) {
	inWorld(t, func(w *world) {
		w.sockets(func(http.ResponseWriter, *http.Request) bool {
			time.Sleep(wait + 2*time.Second)
			return false
		})
		w.start(fallback.Policy{Mode: fallback.WebSocketFirst})
		time.Sleep(wait + 10*trip)
		w.decided(">long-polling hang")
		conns := w.net.Conns(address)
		time.Sleep(5 * time.Second)
		synctest.Wait()
		require.Equal(w, 1, w.server.Stats().Upgrades)
		require.Equal(w, conns-1, w.net.Conns(address), "the late socket is gone")
		for _, c := range append(w.user.saw().connects, w.user.saw().shakes...) {
			require.Equal(w, polling, c.kind, "the late socket was given something")
		}
		w.lives(polling)
		require.Equal(w, 1, w.server.Stats().Handshakes)
		require.Zero(w, w.user.saw().failures)
		w.dialled(1, 2)
		w.decided(">long-polling hang")
	})
}

// TestOnly: one pipe, and the first decision told.
func TestOnly(t *testing.T) {
	for mode, kind := range map[fallback.Mode]string{fallback.WebSocketOnly: socket, fallback.LongPollingOnly: polling} {
		t.Run(kind, func(t *testing.T) {
			inWorld(t, func(w *world) {
				w.start(fallback.Policy{Mode: mode})
				require.Equal(w, []string{kind}, w.pipe.Types())
				time.Sleep(10 * trip)
				w.decided(">" + kind + " first")
				w.lives(kind)
				w.decided(">" + kind + " first")
				sockets, http := w.dialCount()
				require.Equal(w, kind == socket, sockets == 1)
				require.Equal(w, kind == polling, http > 0)
			})
		})
	}
	inWorld(t, func(w *world) { // and no other
		w.sockets(status(403))
		w.start(fallback.Policy{Mode: fallback.WebSocketOnly})
		time.Sleep(5*(pause+2*trip) - 1)
		require.Empty(w, w.user.saw().granted)
		w.decided()
		w.dialled(5, 0)
	})
}
