package client_test

import (
	"net/http"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/turold/turold/bayeux/bayeuxtest"
	"github.com/turold/turold/bayeux/bayeuxtest/memnet"
	"github.com/turold/turold/client"
	"github.com/turold/turold/transport"
)

// sockets is where the WebSockets of an apart stack go, so that they can be
// killed without HTTP.
const sockets = "sockets:80"

// onApart runs f with a client in the default mode, whose server has another
// address for WebSockets.
func onApart(t *testing.T, so *bayeuxtest.Options, co client.Options, f func(*stack)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		s := &stack{T: t, net: memnet.New()}
		s.net.SetLatency(latency)
		s.serve(so)
		l, err := s.net.Listen(sockets)
		require.NoError(t, err)
		h := &http.Server{Handler: s.server.Server, ReadHeaderTimeout: time.Minute}
		go func() { _ = h.Serve(l) }()
		defer h.Close()
		s.dialer = &client.Dialer{DialContext: s.net.DialContext, Proxy: http.ProxyURL(nil)}
		defer s.close()
		co.WebSocketURL = "ws://" + sockets + "/cometd"
		s.c, err = s.dialer.Dial(t.Context(), site, &co)
		require.NoError(t, err)
		f(s)
	})
}

// TestDefaultModeMovesToAWebSocket, and the application sees the status change
// and nothing else.
func TestDefaultModeMovesToAWebSocket(t *testing.T) {
	onApart(t, nil, client.Options{}, func(s *stack) {
		require.Equal(s, transport.LongPolling, s.c.Status().Transport)
		time.Sleep(3 * time.Second)
		require.Equal(s, transport.WebSocket, s.c.Status().Transport)
		require.Equal(s, 1, s.c.Status().Session)
		require.Zero(s, s.dialer.Stats().Failures)
	})
}

// TestManySessionsMoveSoon: of many that open at once on an unknown way, only
// some may open a socket each; the others must not wait out a whole poll.
func TestManySessionsMoveSoon(t *testing.T) {
	const sessions = 64
	synctest.Test(t, func(t *testing.T) {
		s := &stack{T: t, net: memnet.New()}
		s.net.SetLatency(latency)
		s.serve(nil)
		s.dialer = &client.Dialer{DialContext: s.net.DialContext, Proxy: http.ProxyURL(nil)}
		defer s.close()
		all := make([]*client.Client, sessions)
		var dials sync.WaitGroup
		for i := range all {
			dials.Go(func() {
				var err error
				all[i], err = s.dialer.Dial(t.Context(), site, nil)
				assert.NoError(t, err)
			})
		}
		dials.Wait()
		time.Sleep(5 * time.Second)
		for _, c := range all {
			require.Equal(t, transport.WebSocket, c.Status().Transport)
		}
	})
}

// TestSocketsDieUnderLoad: a hundred times the socket dies under a stream of
// events. With ack each event comes once and in order; without, none twice or
// out of order, and a gap stands wherever one is missing. The session stays the
// same throughout, and is on a socket again each time.
func TestSocketsDieUnderLoad(t *testing.T) {
	const moves = 100
	for _, rate := range []int{1000, 5000} {
		for _, noAck := range []bool{false, true} {
			t.Run(strconv.Itoa(rate)+" a second, without ack "+strconv.FormatBool(noAck), func(t *testing.T) {
				onApart(t, nil, client.Options{NoAck: noAck}, func(s *stack) {
					sub, err := s.c.Subscribe(s.Context(), "/a", &client.SubscribeOptions{Queue: client.Bound{Messages: 1 << 20, Bytes: 1 << 30}})
					require.NoError(s, err)
					published, onSocket := 0, 0
					for n := range moves {
						// Sockets that die sooner are not trusted after the third, and
						// those that die at the same age are left before.
						time.Sleep(time.Duration(35+20*(n%3)) * time.Second)
						if s.c.Status().Transport == transport.WebSocket {
							onSocket++
						}
						for n := range rate / 5 { // 0.2 s
							if n == rate/10 {
								s.net.Reset(sockets)
							}
							require.NoError(s, s.server.Publish("/a", published))
							published++
							time.Sleep(time.Second / time.Duration(rate))
						}
					}
					time.Sleep(5 * time.Second)
					require.NoError(s, s.server.Publish("/a", published))
					r := reader{last: -1}
					for r.last < published {
						m, err := client.Flat(sub.Next(s.Context()))
						require.True(s, r.take(string(m.Data), err), "%v", err)
					}
					require.Empty(s, r.silent, "lost, doubled or out of order without a word")
					if !noAck {
						require.Zero(s, r.missing)
						require.Zero(s, r.gaps)
					}
					require.Equal(s, 1, s.c.Status().Session)
					require.Equal(s, moves, onSocket)
					s.Logf("%d events, %d moves, %d missing, %d gaps", published+1, onSocket, r.missing, r.gaps)
				})
			})
		}
	}
}

// TestRescueTakesOneRoundTrip: the next event comes within one round trip on a
// warm connection.
func TestRescueTakesOneRoundTrip(t *testing.T) {
	onApart(t, nil, client.Options{}, func(s *stack) {
		sub, err := s.c.Subscribe(s.Context(), "/a", nil)
		require.NoError(s, err)
		time.Sleep(3 * time.Second)
		require.Equal(s, transport.WebSocket, s.c.Status().Transport)
		s.net.Reset(sockets)
		start := time.Now()
		require.NoError(s, s.server.Publish("/a", 1))
		_, err = next(s.T, sub, time.Second)
		require.NoError(s, err)
		require.LessOrEqual(s, time.Since(start), 2*latency+latency, "and the way of the reset")
		require.Equal(s, 1, s.c.Status().Session)
	})
}

// TestLeaseOutlastsAnOutage: every path is dead for 25 s, and the server keeps
// a session 10 s by itself.
func TestLeaseOutlastsAnOutage(t *testing.T) {
	onApart(t, &bayeuxtest.Options{MaxInterval: 10 * time.Second}, client.Options{}, func(s *stack) {
		sub, err := s.c.Subscribe(s.Context(), "/a", nil)
		require.NoError(s, err)
		time.Sleep(10 * time.Second)
		for _, a := range []string{address, sockets} {
			s.net.Refuse(a, true)
			s.net.Reset(a)
		}
		for n := range 25 {
			require.NoError(s, s.server.Publish("/a", n))
			time.Sleep(time.Second)
		}
		s.net.Refuse(address, false)
		s.net.Refuse(sockets, false)
		for n := range 25 {
			data, err := next(s.T, sub, 10*time.Second)
			require.NoError(s, err)
			require.Equal(s, strconv.Itoa(n), data)
		}
		require.Equal(s, 1, s.c.Status().Session)
		time.Sleep(5 * time.Second)
		require.Equal(s, transport.WebSocket, s.c.Status().Transport)
	})
}

// TestNetworkChangedTriesAgainAtOnce.
func TestNetworkChangedTriesAgainAtOnce(t *testing.T) {
	onApart(t, nil, client.Options{}, func(s *stack) {
		s.net.Refuse(sockets, true)
		s.net.Reset(sockets)
		time.Sleep(time.Hour)
		require.Equal(s, transport.LongPolling, s.c.Status().Transport)
		s.net.Refuse(sockets, false)
		s.dialer.NetworkChanged()
		time.Sleep(25 * time.Second) // the poll that is held ends
		require.Equal(s, transport.WebSocket, s.c.Status().Transport)
	})
}
