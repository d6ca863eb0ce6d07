package client_test

import (
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/turold/turold/bayeux"
	"github.com/turold/turold/bayeux/bayeuxtest"
	"github.com/turold/turold/bayeux/bayeuxtest/memnet"
	"github.com/turold/turold/client"
	"github.com/turold/turold/fallback"
)

// TestHandshakesOfManySessionsAreSpread: after a restart of the server every
// session wants to begin anew at once.
func TestHandshakesOfManySessionsAreSpread(t *testing.T) {
	const sessions, bucket = 300, 100 * time.Millisecond
	for name, c := range map[string]struct{ rate, most int }{
		"by default": {0, 50 + 25},
		"as asked":   {100, 50 + 5},
		"never":      {-1, sessions},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := &stack{T: t, net: memnet.New()}
				s.net.SetLatency(latency)
				var mu sync.Mutex
				var at []time.Time
				so := &bayeuxtest.Options{Take: func(ms []bayeux.Message) {
					mu.Lock()
					defer mu.Unlock()
					for i := range ms {
						if ms[i].Channel == bayeux.MetaHandshake {
							at = append(at, time.Now())
						}
					}
				}}
				s.serve(so)
				s.dialer = &client.Dialer{Policy: fallback.Policy{Mode: fallback.LongPollingOnly}, HandshakeRate: c.rate,
					DialContext: s.net.DialContext, Proxy: http.ProxyURL(nil)}
				defer s.close()
				for range sessions {
					_, err := s.dialer.Dial(t.Context(), site, nil)
					require.NoError(t, err)
				}
				time.Sleep(10 * time.Second)
				require.NoError(t, s.server.Close())
				mu.Lock()
				at = nil
				mu.Unlock()
				s.serve(so)
				time.Sleep(time.Minute)

				mu.Lock()
				defer mu.Unlock()
				require.Equal(t, sessions, len(at))
				peak, n := 0, map[time.Duration]int{}
				for _, when := range at {
					i := when.Sub(at[0]) / bucket
					n[i]++
					peak = max(peak, n[i])
				}
				span := at[len(at)-1].Sub(at[0])
				t.Logf("%d handshakes in %v, %d in the fullest %v, %d waited", sessions, span, peak, bucket, s.dialer.Stats().Delayed)
				require.LessOrEqual(t, peak, c.most)
				if c.rate < 0 {
					require.Greater(t, peak, 100)
					require.Zero(t, s.dialer.Stats().Delayed)
				} else {
					require.NotZero(t, s.dialer.Stats().Delayed)
				}
			})
		})
	}
}

// TestOneSessionDoesNotWaitForItsTurn: the limiter is for many sessions.
func TestOneSessionDoesNotWaitForItsTurn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &stack{T: t, net: memnet.New()}
		s.serve(nil)
		s.dialer = &client.Dialer{DialContext: s.net.DialContext, Proxy: http.ProxyURL(nil), HandshakeRate: 1}
		defer s.close()
		for range 20 {
			c, err := s.dialer.Dial(t.Context(), site, nil)
			require.NoError(t, err)
			require.NoError(t, c.Close())
		}
		require.Zero(t, s.dialer.Stats().Delayed)
	})
}
