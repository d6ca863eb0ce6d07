package client_test

import (
	"errors"
	"net/http"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/turold/turold/bayeux/bayeuxtest/memnet"
	"github.com/turold/turold/client"
	"github.com/turold/turold/fallback"
	"github.com/turold/turold/transport"
)

// TestBacklogBeyondTheLimits: after an outage a server sends all that waits at
// once, by long-polling in one body, and again and again until it is acknowledged.
// A WebSocket brings it in pieces. Where there is none, or where it is too much
// altogether, the session begins anew, and says so.
func TestBacklogBeyondTheLimits(t *testing.T) {
	const backlog = 500
	few := func(l *transport.Limits) { l.Messages = backlog / 2 }
	small := func(l *transport.Limits) { l.Unacknowledged = backlog / 2 }
	for _, tc := range []struct {
		name  string
		mode  fallback.Mode
		limit func(*transport.Limits)
		gap   bool
	}{
		{"auto", fallback.Auto, few, false},
		{"websocket", fallback.WebSocketOnly, few, false},
		{"long-polling", fallback.LongPollingOnly, few, true},
		{"auto, too much altogether", fallback.Auto, small, true},
		{"websocket, too much altogether", fallback.WebSocketOnly, small, true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := &stack{T: t, net: memnet.New()}
				s.net.SetLatency(latency)
				s.serve(nil)
				s.dialer = &client.Dialer{Policy: fallback.Policy{Mode: tc.mode}, DialContext: s.net.DialContext, Proxy: http.ProxyURL(nil)}
				tc.limit(&s.dialer.Limits)
				defer s.close()
				var err error
				s.c, err = s.dialer.Dial(t.Context(), site, nil)
				require.NoError(t, err)
				sub, err := s.c.Subscribe(t.Context(), "/a", nil)
				require.NoError(t, err)
				time.Sleep(5 * time.Second)
				s.net.Refuse(address, true)
				s.net.Reset(address)
				for n := range backlog {
					require.NoError(t, s.server.Publish("/a", n))
				}
				time.Sleep(2 * time.Second)
				s.net.Refuse(address, false)
				time.Sleep(20 * time.Second)
				require.NoError(t, s.server.Publish("/a", backlog))
				var gap *client.GapError
				for n := 0; ; n++ {
					data, err := next(t, sub, 10*time.Second)
					if tc.gap && errors.As(err, &gap) {
						require.Equal(t, client.GapNewSession, gap.Reason)
						n = backlog - 1
						continue
					}
					require.NoError(t, err)
					require.Equal(t, strconv.Itoa(n), data)
					if n == backlog {
						break
					}
				}
				require.Equal(t, tc.gap, gap != nil)
			})
		})
	}
}
