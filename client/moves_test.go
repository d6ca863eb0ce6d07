package client_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/cookiejar"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/turold/turold/bayeux"
	"github.com/turold/turold/bayeux/bayeuxtest"
	"github.com/turold/turold/bayeux/bayeuxtest/hostile"
	"github.com/turold/turold/bayeux/bayeuxtest/memnet"
	"github.com/turold/turold/client"
	"github.com/turold/turold/fallback"
	"github.com/turold/turold/transport"
)

// aging is a memory of a way on which sockets are cut at an age.
func aging(t *testing.T, way string, life time.Duration) *fallback.Memory {
	m := new(fallback.Memory)
	text, err := json.Marshal(map[string]any{way: map[string]any{"webSocket": map[string]any{"life": life, "died": time.Now()}}})
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(text, m))
	return m
}

const way = "ws://" + address + "/cometd http://" + address

// TestAHundredMovesUnderLoad: the session leaves its socket for long-polling and
// comes back on another, again and again under a stream of events, and nothing
// dies. With ack each event comes once and in order. Without it each comes once;
// what may be out of order is what the server sends by the socket and by HTTP at
// the same time, on the way down.
func TestAHundredMovesUnderLoad(t *testing.T) {
	const moves = 100
	rates := []int{1000, 5000}
	if raced {
		rates = []int{200} // so that it takes seconds with the race detector too
	}
	for _, rate := range rates {
		for name, o := range map[string]client.Options{"with ack": {}, "without ack": {NoAck: true}} {
			t.Run(strconv.Itoa(rate)+" a second, "+name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					s := &stack{T: t, net: memnet.New()}
					s.net.SetLatency(latency)
					s.serve(nil)
					var down, up atomic.Int32
					s.dialer = &client.Dialer{
						DialContext: s.net.DialContext, Proxy: http.ProxyURL(nil),
						Policy: fallback.Policy{Memory: aging(s.T, way, 600*time.Millisecond)},
						Trace: &client.Trace{Transport: func(_ *client.Client, d fallback.Decision) {
							if d.From != d.To && d.To == transport.WebSocket {
								up.Add(1)
							} else if d.Reason == fallback.ReasonLifetime {
								down.Add(1)
							}
						}},
					}
					defer s.close()
					var err error
					s.c, err = s.dialer.Dial(s.Context(), site, &o)
					require.NoError(s, err)
					sub, err := s.c.Subscribe(s.Context(), "/a", &client.SubscribeOptions{Queue: client.Bound{Messages: 1 << 20, Bytes: 1 << 30}})
					require.NoError(s, err)
					seen, last, published, disordered, doubled := map[int]bool{}, -1, 0, 0, 0
					take := func(m bayeux.Message, err error) {
						require.NoError(s, err)
						n, _ := strconv.Atoi(string(m.Data))
						if seen[n] {
							doubled++
						}
						if n < last {
							disordered++
						}
						seen[n], last = true, max(last, n)
					}
					for down.Load() < moves {
						require.NoError(s, s.server.Publish("/a", published))
						published++
						time.Sleep(time.Second / time.Duration(rate))
						for len(seen) < published-rate { // what was published a second ago is there
							take(client.Flat(sub.Next(s.Context())))
						}
					}
					time.Sleep(5 * time.Second)
					for len(seen) < published {
						take(client.Flat(sub.Next(s.Context())))
					}
					require.Zero(s, doubled)
					if !o.NoAck {
						require.Zero(s, disordered)
					}
					require.Equal(s, 1, s.c.Status().Session)
					require.GreaterOrEqual(s, int(up.Load()), moves)
					require.Zero(s, s.dialer.Stats().Failures)
					s.Logf("%d events, %d moves down, %d up: lost 0, doubled 0, %d out of order", published, down.Load(), up.Load(), disordered)
				})
			})
		}
	}
}

// bare is how long two POSTs and the poll that follows take until an event is
// there: what the least client of long-polling does. An event that happens to be
// published inside the second POST does not count.
func (s *stack) bare() time.Duration {
	jar, err := cookiejar.New(nil)
	require.NoError(s, err)
	tr := &http.Transport{DialContext: s.net.DialContext}
	defer tr.CloseIdleConnections()
	c := &http.Client{Jar: jar, Transport: tr}
	begun := time.Now()
	id := ""
	post := func(batch string) []map[string]any {
		r, err := c.Post(site, "application/json", strings.NewReader(strings.ReplaceAll(batch, "ID", id)))
		require.NoError(s, err)
		defer r.Body.Close()
		body, err := io.ReadAll(r.Body)
		require.NoError(s, err)
		var ms []map[string]any
		require.NoError(s, json.Unmarshal(body, &ms), string(body))
		return ms
	}
	id = post(`[{"channel":"/meta/handshake","id":"1","version":"1.0","supportedConnectionTypes":["long-polling"]}]`)[0]["clientId"].(string)
	polls := false
	for batch := `[{"channel":"/meta/subscribe","id":"2","clientId":"ID","subscription":"/a"},{"channel":"/meta/connect","id":"3","clientId":"ID","connectionType":"long-polling","advice":{"timeout":0}}]`; ; {
		for _, m := range post(batch) {
			if m["channel"] == "/a" && polls {
				return time.Since(begun)
			}
		}
		polls = true
		batch = `[{"channel":"/meta/connect","id":"4","clientId":"ID","connectionType":"long-polling"}]`
	}
}

// first is how long it takes until an event is there.
func (s *stack) first(d *client.Dialer, o *client.Options) time.Duration {
	begun := time.Now()
	c, err := d.Dial(s.Context(), site, o)
	require.NoError(s, err)
	sub, err := c.Subscribe(s.Context(), "/a", nil)
	require.NoError(s, err)
	_, err = client.Flat(sub.Next(s.Context()))
	require.NoError(s, err)
	took := time.Since(begun)
	require.NoError(s, c.Close())
	return took
}

// TestFirstEventIsAsEarlyAsTwoPosts, whatever becomes of sockets; and a round
// trip earlier where they are known good, without ack. With ack CometD gives no
// event before the reply to a second connect, on whatever transport. Events come
// every millisecond.
func TestFirstEventIsAsEarlyAsTwoPosts(t *testing.T) {
	faults := map[string]hostile.Fault{
		"clear": {}, "forbidden": {Upgrade: hostile.Forbidden}, "login page": {Upgrade: hostile.SignIn}, "407": {Upgrade: hostile.ProxyAuth},
		"redirect": {Upgrade: hostile.Redirect}, "never answered": {Hang: true}, "wrong accept": {WrongAccept: true}, "first frame lost": {DropFirst: true},
		"mute": {MuteUp: true, MuteDown: true}, "mute up": {MuteUp: true}, "mute down": {MuteDown: true}, "mute later": {MuteUp: true, MuteDown: true, After: 3},
		"reset": {ResetAfter: 1}, "in blocks": {Buffer: 4096}, "idle 5 s": {Idle: 5 * time.Second}, "bodies 50 ms late": {Late: 50 * time.Millisecond},
	}
	for name, fault := range faults {
		t.Run(name, func(t *testing.T) {
			onHostile(t, fault, nil, func(s *stack, _ *hostile.Listener) {
				quit := make(chan struct{})
				defer close(quit)
				go func() {
					for n := 0; ; n++ {
						select {
						case <-quit:
							return
						case <-time.After(time.Millisecond):
							_ = s.server.Publish("/a", n)
						}
					}
				}()
				alone := s.bare()
				d := &client.Dialer{DialContext: s.net.DialContext, Proxy: http.ProxyURL(nil)}
				defer d.Close()
				took := s.first(d, nil)
				s.Logf("first event after %v; two bare POSTs and a poll take %v", took, alone)
				require.LessOrEqual(s, took, alone+2*time.Millisecond, "events come every millisecond")
				if name != "clear" {
					return
				}
				c, err := d.Dial(s.Context(), site, nil)
				require.NoError(s, err)
				time.Sleep(2 * time.Minute) // until there is no warm connection, which would make it earlier still
				require.Equal(s, transport.WebSocket, c.Status().Transport)
				took = s.first(d, &client.Options{NoAck: true})
				s.Logf("and where a socket was proven, without ack, %v", took)
				require.LessOrEqual(s, took, alone-2*latency+2*time.Millisecond)
				time.Sleep(2 * time.Minute)
				took = s.first(d, nil)
				s.Logf("with ack %v", took)
				require.LessOrEqual(s, took, alone+2*time.Millisecond)
			})
		})
	}
}

// sends sends n messages of a size at once, each of which must arrive.
func (s *stack) sends(n, size int) {
	s.Helper()
	var all []*client.Receipt
	for range n {
		r, err := s.c.Send(s.Context(), client.Draft{Channel: "/b", Data: strings.Repeat("x", size)})
		require.NoError(s, err)
		all = append(all, r)
	}
	for _, r := range all {
		require.NoError(s, r.Wait(s.Context()))
	}
}

// TestLargeMessagesGoAnotherWay: a server takes no more than 8 KiB on a socket.
// The publish that is larger goes by HTTP, and its outcome is known.
func TestLargeMessagesGoAnotherWay(t *testing.T) {
	onMode(t, fallback.Auto, &bayeuxtest.Options{MaxMessage: 8 << 10}, func() *client.Options { return nil }, func(s *stack) {
		sub, err := s.c.Subscribe(s.Context(), "/a", nil)
		require.NoError(s, err)
		for range 3 {
			time.Sleep(40 * time.Second)
			require.Equal(s, transport.WebSocket, s.c.Status().Transport)
			require.NoError(s, s.c.Publish(s.Context(), "/a", strings.Repeat("x", 20<<10)))
			m, err := client.Flat(sub.Next(s.Context()))
			require.NoError(s, err)
			require.Len(s, m.Data, 20<<10+2)
		}
		require.Equal(s, 1, s.c.Status().Session)
		// What is small in itself goes in smaller pieces.
		time.Sleep(40 * time.Second)
		s.sends(200, 500)
	})
}

// TestBatchesAreSplit where HTTP takes no large bodies.
func TestBatchesAreSplit(t *testing.T) {
	refused := 0
	so := &bayeuxtest.Options{Request: func(w http.ResponseWriter, r *http.Request) bool {
		if r.ContentLength <= 1024 {
			return false
		}
		refused++
		w.WriteHeader(http.StatusRequestEntityTooLarge)
		return true
	}}
	onMode(t, fallback.LongPollingOnly, so, func() *client.Options { return &client.Options{NoAck: true} }, func(s *stack) {
		sub, err := s.c.Subscribe(s.Context(), "/a", nil)
		require.NoError(s, err)
		s.sends(300, 400)
		require.LessOrEqual(s, refused, 9, "each halves what goes into a batch")
		require.Zero(s, s.dialer.Stats().Failures)
		var out *client.OutcomeError
		require.ErrorAs(s, s.c.Publish(s.Context(), "/b", strings.Repeat("x", 2000)), &out)
		require.False(s, out.Sent, "it goes nowhere, and that is known")
		require.Equal(s, 1, s.c.Status().Session)
		require.NoError(s, s.server.Publish("/a", 1))
		data, err := next(s.T, sub, time.Minute)
		require.NoError(s, err, "no event was lost by it, and no gap stands there")
		require.Equal(s, "1", data)
	})
}

// TestPollsThatAreCutAreALimit: a gateway answers 503 to what it has waited 5 s
// for. Twice, and then no poll is held that long.
func TestPollsThatAreCutAreALimit(t *testing.T) {
	onMode(t, fallback.LongPollingOnly, nil, func() *client.Options { return nil }, func(s *stack) {
		l, err := s.net.Listen("gateway:80")
		require.NoError(s, err)
		h := &http.Server{Handler: http.TimeoutHandler(s.server.Server, 5*time.Second, "late"), ReadHeaderTimeout: time.Minute}
		go func() { _ = h.Serve(l) }()
		defer h.Close()
		d := &client.Dialer{Policy: s.dialer.Policy, DialContext: s.net.DialContext, Proxy: http.ProxyURL(nil)}
		defer d.Close()
		c, err := d.Dial(s.Context(), "http://gateway:80/cometd", nil)
		require.NoError(s, err)
		sub, err := c.Subscribe(s.Context(), "/a", nil)
		require.NoError(s, err)
		time.Sleep(time.Minute)
		require.LessOrEqual(s, d.Stats().Failures, uint64(2))
		before := s.server.Stats().Connects
		time.Sleep(30 * time.Minute)
		require.LessOrEqual(s, d.Stats().Failures, uint64(2))
		require.NoError(s, s.server.Publish("/a", 1))
		data, err := next(s.T, sub, time.Second)
		require.NoError(s, err)
		require.Equal(s, "1", data)
		s.Logf("%d pauses after failures; %d connects in the 30 minutes after the first", d.Stats().Failures, s.server.Stats().Connects-before)
		require.NoError(s, c.Close())
	})
}

// TestCookiesAreTakenOff: by HTTP no session is known twice. It goes on on a
// socket, which needs no cookie.
func TestCookiesAreTakenOff(t *testing.T) {
	so := &bayeuxtest.Options{Request: func(_ http.ResponseWriter, r *http.Request) bool {
		r.Header.Del("Cookie")
		return false
	}}
	onMode(t, fallback.Auto, so, func() *client.Options { return &client.Options{KeepDialing: true} }, func(s *stack) {
		sub, err := s.c.Subscribe(s.Context(), "/a", nil)
		require.NoError(s, err)
		time.Sleep(20 * time.Second)
		require.Equal(s, transport.WebSocket, s.c.Status().Transport)
		sessions := s.c.Status().Session
		require.LessOrEqual(s, sessions, 4)
		require.NoError(s, s.server.Publish("/a", 7))
		data := ""
		for data != "7" {
			data, _ = next(s.T, sub, time.Minute)
		}
		time.Sleep(10 * time.Minute)
		require.Equal(s, sessions, s.c.Status().Session, "and stays there")
	})
}

// TestStatusSaysWhy the session is where it is, and when a WebSocket is tried.
func TestStatusSaysWhy(t *testing.T) {
	onHostile(t, hostile.Fault{Upgrade: hostile.Forbidden}, nil, func(s *stack, way *hostile.Listener) {
		time.Sleep(10 * time.Second)
		status := s.c.Status()
		require.Equal(s, transport.LongPolling, status.Transport)
		require.Equal(s, fallback.ReasonRefused, status.Reason)
		wait := time.Until(status.NextTry)
		require.Greater(s, wait, time.Duration(0))
		require.Less(s, wait, 40*time.Second)
		way.Set(hostile.Fault{})
		time.Sleep(75 * time.Second)
		status = s.c.Status()
		require.Equal(s, transport.WebSocket, status.Transport)
		require.Equal(s, fallback.ReasonProven, status.Reason)
		require.True(s, status.NextTry.IsZero())
	})
}
