package fallback_test

import (
	"fmt"
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/turold/turold/bayeux"
	"github.com/turold/turold/bayeux/bayeuxtest"
	"github.com/turold/turold/bayeux/bayeuxtest/hostile"
	"github.com/turold/turold/fallback"
	"github.com/turold/turold/transport"
)

// apartly gives the sockets an address of their own, so that the network can
// treat them otherwise than HTTP.
func (w *world) apartly() {
	w.target.SocketURL = &url.URL{Scheme: "ws", Host: apart, Path: "/cometd"}
	l, err := w.net.Listen(apart)
	require.NoError(w, err)
	s := &http.Server{Handler: http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) { w.server.ServeHTTP(rw, r) }), ReadHeaderTimeout: time.Minute}
	go func() { _ = s.Serve(l) }()
	go func() {
		<-w.quit
		_ = s.Close()
	}()
}

// auto begins in the mode Auto.
func (w *world) auto() { w.start(fallback.Policy{Mode: fallback.Auto, Memory: new(fallback.Memory)}) }

// on holds the session to a transport, now.
func (w *world) on(kind string) {
	w.Helper()
	told := w.told()
	require.NotEmpty(w, told)
	require.Equal(w, kind, told[len(told)-1].To)
	id := w.user.publish()
	time.Sleep(6 * trip)
	reply, ok := w.user.saw().replies[id]
	require.True(w, ok, "a publish is answered")
	require.Equal(w, kind, reply.kind)
}

// networks are what may become of a socket while HTTP works.
var networks = map[string]func(*world){
	"a wrong accept":          has(hostile.Fault{WrongAccept: true}),
	"a login page":            has(hostile.Fault{Upgrade: hostile.SignIn}),
	"a redirect":              has(hostile.Fault{Upgrade: hostile.Redirect}),
	"never answered":          has(hostile.Fault{Hang: true}),
	"swallowed up":            has(hostile.Fault{MuteUp: true}),
	"swallowed down":          has(hostile.Fault{MuteDown: true}),
	"swallowed both ways":     has(hostile.Fault{MuteUp: true, MuteDown: true}),
	"the first frame is lost": has(hostile.Fault{DropFirst: true}),
	"reset after 8 bytes":     has(hostile.Fault{ResetAfter: 8}),
	"in blocks of 4 KiB":      has(hostile.Fault{Buffer: 4096}),
	"400":                     func(w *world) { w.sockets(status(400)) },
	"403":                     func(w *world) { w.sockets(status(403)) },
	"407":                     func(w *world) { w.sockets(status(407)) },
	"502":                     func(w *world) { w.sockets(status(502)) },
	"no 101":                  func(w *world) { w.sockets(w.hang) },
	"mute":                    func(w *world) { w.sockets(w.opens("")) },
	"HTML":                    func(w *world) { w.sockets(w.opens(html)) },
	"closed":                  func(w *world) { w.sockets(w.opens(c1000)) },
	"refused":                 func(w *world) { w.apartly(); w.net.Refuse(apart, true) },
	"a black hole": func(w *world) {
		w.apartly()
		w.net.BlackHole(apart, true)
	},
	"mute up":   func(w *world) { w.apartly(); w.net.Stall(apart, true, false) },
	"mute down": func(w *world) { w.apartly(); w.net.Stall(apart, false, true) },
	"clear":     func(*world) {},
}

func has(f hostile.Fault) func(*world) { return func(w *world) { w.fault = f } }

// TestAutoIsAsEarlyAsLongPolling: whatever becomes of the socket, the session
// begins in the very moment in which long-polling alone begins it, and nobody is
// made to back off.
func TestAutoIsAsEarlyAsLongPolling(t *testing.T) {
	for name, make := range networks {
		t.Run(name, func(t *testing.T) {
			var first, connected [2]time.Duration
			for i, mode := range []fallback.Mode{fallback.LongPollingOnly, fallback.Auto} {
				inWorld(t, func(w *world) {
					make(w)
					w.start(fallback.Policy{Mode: mode})
					time.Sleep(20 * time.Second)
					saw := w.user.saw()
					require.Len(w, saw.shakes, 1)
					require.Len(w, saw.granted, 1)
					require.Zero(w, saw.failures)
					first[i] = saw.granted[0].at.Sub(w.begun)
					connected[i] = saw.connects[1].at.Sub(w.begun) // the first is answered
					if mode == fallback.Auto {
						tries, _ := w.dialCount()
						require.LessOrEqual(w, tries, 2, "sockets in 20 s")
						proven := name == "clear" || name == "the first frame is lost" // the probe is sent once more
						require.Equal(w, proven, w.told()[len(w.told())-1].To == socket)
						w.on(w.told()[len(w.told())-1].To)
					}
				})
			}
			require.Equal(t, first[0], first[1])
			require.Equal(t, connected[0], connected[1])
		})
	}
}

// TestAutoMovesUp: on a clear path the session is on the socket within two round
// trips of the 101 and one short hold.
func TestAutoMovesUp(t *testing.T) {
	inWorld(t, func(w *world) {
		w.auto()
		time.Sleep(2*trip + 2*trip + time.Second + trip)
		w.decided(">long-polling first", "long-polling>websocket proven")
		w.on(socket)
		w.dialled(1, 1)
		time.Sleep(time.Hour)
		w.on(socket)
		w.decided(">long-polling first", "long-polling>websocket proven")
		require.Len(w, w.user.saw().shakes, 1, "the same session")
	})
}

// TestAutoRescues: the socket dies, and the session goes on by HTTP at once and
// on another socket soon.
func TestAutoRescues(t *testing.T) {
	for name, kill := range map[string]func(*world){
		"reset":      func(w *world) { w.net.Reset(apart) },
		"mute":       func(w *world) { w.net.Stall(apart, true, true) },
		"mute up":    func(w *world) { w.net.Stall(apart, true, false) },
		"mute down":  func(w *world) { w.net.Stall(apart, false, true) },
		"for a time": func(w *world) { w.net.Reset(apart); w.net.Refuse(apart, true) },
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, func(w *world) {
				w.apartly()
				w.options.MaxInterval = 40 * time.Second // what a client's lease makes of it
				w.auto()
				time.Sleep(10 * time.Second)
				w.on(socket)
				for range 3 {
					kill(w)
					time.Sleep(40 * time.Second) // two pings, if it has to be found out
					told := w.changes()
					require.Contains(w, []fallback.Reason{fallback.ReasonLost, fallback.ReasonMute}, told[len(told)-2+b2i(told[len(told)-1].To == polling)].Reason)
					w.net.Stall(apart, false, false)
					w.net.Refuse(apart, false)
					time.Sleep(75 * time.Second)
					w.on(socket)
				}
				require.Len(w, w.user.saw().shakes, 1, "the same session")
				most := 0
				if name == "mute up" { // what was written into the silence arrives after it: a connect, for which CometD gives up a poll
					most = 3
				}
				require.LessOrEqual(w, w.user.saw().failures, most)
			})
		})
	}
}

func b2i(b bool) int {
	if b {
		return 1
	}
	return 0
}

// TestAutoPacesItsTries: a path on which sockets fail is tried every 30 s for
// ten minutes and every two minutes then, and the session moves within 75 s or
// 3 minutes once it is healed.
func TestAutoPacesItsTries(t *testing.T) {
	for _, c := range []struct{ sick, heal time.Duration }{{5 * time.Minute, 75 * time.Second}, {time.Hour, 3 * time.Minute}} {
		inWorld(t, func(w *world) {
			w.sockets(status(403))
			w.auto()
			time.Sleep(c.sick)
			tries, _ := w.dialCount()
			early := min(c.sick, 10*time.Minute)
			require.LessOrEqual(w, tries, 2+int(early/(24*time.Second))+int((c.sick-early)/(96*time.Second)))
			require.GreaterOrEqual(w, tries, int(early/(37*time.Second))+int((c.sick-early)/(146*time.Second)))
			require.Len(w, w.changes(), 1) // whichever answer was first
			w.sockets(nil)
			time.Sleep(c.heal)
			w.on(socket)
		})
	}
}

// TestAutoLearnsNothingFromAnOutage: the server is gone for everyone, for
// minutes; when it is back the session is on a socket again within seconds, also
// if that is dialled before the one before it has heard that it is given up.
func TestAutoLearnsNothingFromAnOutage(t *testing.T) {
	for _, slow := range []bool{false, true} {
		t.Run(fmt.Sprintf("slow %v", slow), func(t *testing.T) {
			inWorld(t, func(w *world) {
				w.slow = slow
				w.auto()
				time.Sleep(10 * time.Second)
				w.on(socket)
				for range 5 {
					w.net.Refuse(address, true)
					w.net.Reset(address)
					time.Sleep(3 * time.Minute)
					w.net.Refuse(address, false)
					time.Sleep(10 * time.Second)
					w.on(socket)
				}
			})
		})
	}
}

// TestAutoStaysWhereTheServerKnowsTheSession: a server that knows no session on
// a socket that did not begin there keeps it by HTTP, and loses nothing.
func TestAutoStaysWhereTheServerKnowsTheSession(t *testing.T) {
	inWorld(t, func(w *world) {
		w.options.Dialect = &bayeuxtest.Dialect{HandshakeOnSocket: true}
		w.auto()
		time.Sleep(30 * time.Minute)
		w.on(polling)
		w.decided(">long-polling first")
		require.Len(w, w.user.saw().shakes, 1)
		require.Zero(w, w.user.saw().failures)
		tries, _ := w.dialCount()
		require.LessOrEqual(w, tries, 2)
	})
}

// TestAutoWhereTheServerOffersNoSocket: none is opened once it has said so.
func TestAutoWhereTheServerOffersNoSocket(t *testing.T) {
	inWorld(t, func(w *world) {
		w.options.NoWebSocket = true
		w.auto()
		time.Sleep(time.Hour)
		w.on(polling)
		w.dialled(1, 2)
	})
}

// TestAutoWhereHTTPFails: the session begins on the socket, and begins there
// again when that dies.
func TestAutoWhereHTTPFails(t *testing.T) {
	for name, fail := range map[string]func(*world){
		"refused": func(w *world) { w.options.NoLongPolling = true },
		"never answered": func(w *world) {
			w.all(func(rw http.ResponseWriter, r *http.Request) bool {
				return r.Header.Get("Upgrade") == "" && w.hang(rw, r)
			})
		},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, func(w *world) {
				fail(w)
				w.auto()
				time.Sleep(15 * time.Second)
				w.on(socket)
				require.Equal(w, fallback.ReasonFirst, w.told()[0].Reason)
				for range 3 {
					w.net.Reset(address)
					time.Sleep(time.Minute)
					w.on(socket)
				}
			})
		})
	}
}

// TestAutoGoesBackWhenTheSocketIsMuteForTheSession: the probe passes, and then
// nothing more: HTTP serves again, nothing is lost for good.
func TestAutoGoesBackWhenTheSocketIsMuteForTheSession(t *testing.T) {
	inWorld(t, func(w *world) {
		w.options.Rewrite = func(ms []bayeux.Message, body []byte) []byte {
			if len(ms) == 1 && ms[0].Channel == bayeux.MetaConnect && ms[0].Granted() && ms[0].Meta.Advice != nil && w.moving() {
				return nil
			}
			return body
		}
		w.auto()
		time.Sleep(5 * time.Minute)
		w.on(polling)
		require.Len(w, w.user.saw().shakes, 1)
	})
}

// moving: the last connect was given to a socket.
func (w *world) moving() bool {
	c := w.user.saw().connects
	return len(c) > 0 && c[len(c)-1].kind == transport.WebSocket
}

// TestManySessionsTryAsOne: behind a proxy that refuses WebSockets a thousand
// sessions of one Memory open four at a time at first, and then one every 30 s.
func TestManySessionsTryAsOne(t *testing.T) {
	sessions := 1000
	if raced {
		sessions = 200 // the race detector bears so many goroutines and no more
	}
	inWorld(t, func(w *world) {
		w.sockets(status(403))
		w.auto()
		memory := new(fallback.Memory)
		users, pipes := make([]*user, sessions), make([]transport.Transport, sessions)
		for i := range sessions {
			users[i] = newUser()
			pipes[i] = w.another(fallback.Policy{Mode: fallback.Auto, Memory: memory}, users[i])
		}
		before, _ := w.dialCount()
		for _, u := range users {
			u.wake(transport.LaneCommands)
			time.Sleep(time.Millisecond) // the listener has a backlog
		}
		time.Sleep(time.Second)
		atFirst, _ := w.dialCount()
		require.LessOrEqual(w, atFirst-before, 4+1, "and the one that this world has anyway")
		time.Sleep(10 * time.Minute)
		later, _ := w.dialCount()
		require.LessOrEqual(w, later-atFirst, 2*(600/24+1))
		for i := range sessions {
			require.Len(w, users[i].saw().granted, 1)
			require.NoError(w, pipes[i].Close())
		}
		w.Logf("%d dials in the first two seconds, %d in the ten minutes after, of %d sessions", atFirst-before, later-atFirst, sessions)
	})
}
