package client_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/turold/turold/bayeux/bayeuxtest"
	"github.com/turold/turold/fallback"
)

// TestConnectionsFallSilent: all connections are swallowed at once, those that
// HTTP keeps for later too. When one is found out the session does not go on by
// another of them: a socket is found out by its ping, a poll when it is late.
func TestConnectionsFallSilent(t *testing.T) {
	const hold = 20 * time.Second
	onStack(t, &bayeuxtest.Options{Timeout: hold}, nil, func(s *stack) {
		sub, err := s.c.Subscribe(s.Context(), "/a", nil)
		require.NoError(s, err)
		time.Sleep(5 * time.Second)
		for range 3 { // a second HTTP connection, beside the poll's
			require.NoError(s, s.c.Publish(s.Context(), "/a", 0))
			_, err := next(s.T, sub, time.Minute)
			require.NoError(s, err)
		}
		found := 15 * time.Second
		if s.dialer.Policy.Mode == fallback.LongPollingOnly {
			found = hold + 10*time.Second
		}
		require.Positive(s, s.net.Swallow(address))
		begun := time.Now()
		require.NoError(s, s.server.Publish("/a", 1))
		data, err := next(s.T, sub, time.Minute)
		require.NoError(s, err)
		require.Equal(s, "1", data)
		require.LessOrEqual(s, time.Since(begun), found+time.Second)
		require.Equal(s, 1, s.c.Status().Session)
	})
}
