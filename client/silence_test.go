package client_test

import (
	"context"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/turold/turold/bayeux/bayeuxtest"
	"github.com/turold/turold/client"
	"github.com/turold/turold/fallback"
	"github.com/turold/turold/transport"
)

// TestSilenceIsPaidForOnce: when one connection was found to be dead by its
// silence, the session does not wait in vain on the next that lies ready.
func TestSilenceIsPaidForOnce(t *testing.T) {
	const hold, delay, ping = 20 * time.Second, 10 * time.Second, 15 * time.Second
	for mode, within := range map[fallback.Mode]time.Duration{
		fallback.LongPollingOnly: hold + delay, fallback.Auto: ping, fallback.WebSocketFirst: ping,
	} {
		so := &bayeuxtest.Options{Timeout: hold, MaxInterval: time.Minute}
		onMode(t, mode, so, func() *client.Options { return nil }, func(s *stack) {
			sub, err := s.c.Subscribe(s.Context(), "/a", nil)
			require.NoError(s, err)
			time.Sleep(time.Second) // a poll is held, or it has moved
			require.NoError(s, s.c.Publish(s.Context(), "/b", "warms a second connection"))
			time.Sleep(2 * time.Second)
			if mode == fallback.Auto {
				require.Equal(s, transport.WebSocket, s.c.Status().Transport)
			}
			start := time.Now()
			require.NotZero(s, s.net.Silence(address))
			require.NoError(s, s.server.Publish("/a", 1))
			_, err = next(s.T, sub, time.Minute)
			require.NoError(s, err)
			require.LessOrEqual(s, time.Since(start), within+time.Second, "%v", mode)
			require.Equal(s, 1, s.c.Status().Session)
		})
	}
}

// TestWarmConnectionsThatAreDeadCostOneTry: of several that lie ready and are dead
// only one is tried, so that Dial does not fail by them.
func TestWarmConnectionsThatAreDeadCostOneTry(t *testing.T) {
	onMode(t, fallback.LongPollingOnly, nil, func() *client.Options { return nil }, func(s *stack) {
		type key struct{}
		var seen, dead sync.Map // connections
		var dying atomic.Bool
		l, err := s.net.Listen("other:80")
		require.NoError(s, err)
		h := &http.Server{
			ReadHeaderTimeout: time.Minute,
			ConnContext:       func(ctx context.Context, c net.Conn) context.Context { return context.WithValue(ctx, key{}, c) },
			Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				c := r.Context().Value(key{})
				if _, old := seen.LoadOrStore(c, true); old && dying.Load() {
					dead.Store(c, true)
					panic(http.ErrAbortHandler)
				}
				s.server.ServeHTTP(w, r)
			}),
		}
		go func() { _ = h.Serve(l) }()
		defer h.Close()
		first, err := s.dialer.Dial(s.Context(), "http://other:80/cometd", nil)
		require.NoError(s, err)
		time.Sleep(time.Second) // a poll is held
		require.NoError(s, first.Publish(s.Context(), "/a", "by another connection"))
		s.server.Disconnect("") // both are answered
		<-first.Done()
		time.Sleep(time.Second)
		require.Equal(s, 2, s.net.Conns("other:80"))
		dying.Store(true)
		_, err = s.dialer.Dial(s.Context(), "http://other:80/cometd", nil)
		require.NoError(s, err)
		n := 0
		dead.Range(func(any, any) bool { n++; return true })
		require.Equal(s, 1, n)
	})
}
