package client_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/turold/turold/client"
)

// TestConnectionsThatLiveForSeconds: every connection is reset when it has
// worked for two seconds, for five minutes. That is many short outages, and not
// one long one, after which the pauses would be long.
func TestConnectionsThatLiveForSeconds(t *testing.T) {
	onStack(t, nil, nil, func(s *stack) {
		require.NoError(s, s.c.Ready(s.Context()))
		for range 150 {
			time.Sleep(2 * time.Second)
			s.net.Reset(address)
			begun := time.Now()
			time.Sleep(10 * time.Millisecond)
			for s.c.Status().State != client.Connected {
				time.Sleep(10 * time.Millisecond)
			}
			require.LessOrEqual(s, time.Since(begun), 3*time.Second)
		}
		require.Equal(s, 1, s.c.Status().Session)
	})
}
