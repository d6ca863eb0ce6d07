package client_test

import (
	"context"
	"net"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/turold/turold/bayeux/bayeuxtest/memnet"
	"github.com/turold/turold/client"
	"github.com/turold/turold/fallback"
)

// TestTenTriesInTenSeconds: however the jitter of its pauses falls, no session
// tries more often in the beginning of an outage. Left to the jitter alone, one
// in a few hundred does.
func TestTenTriesInTenSeconds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &stack{T: t, net: memnet.New()}
		s.serve(nil)
		tries := make([]atomic.Int32, 1500)
		for n := range tries {
			d := &client.Dialer{
				Policy: fallback.Policy{Mode: fallback.LongPollingOnly},
				DialContext: func(ctx context.Context, network, to string) (net.Conn, error) {
					tries[n].Add(1)
					return s.net.DialContext(ctx, network, to)
				},
			}
			defer d.Close()
			_, err := d.Dial(t.Context(), site, nil)
			require.NoError(t, err)
		}
		time.Sleep(7 * time.Second)
		for n := range tries {
			tries[n].Store(0)
		}
		require.NoError(t, s.server.Close())
		time.Sleep(10*time.Second - time.Nanosecond)
		var all []int
		for n := range tries {
			all = append(all, int(tries[n].Load()))
		}
		require.LessOrEqual(t, slices.Max(all), 10)
		require.GreaterOrEqual(t, slices.Min(all), 5)
	})
}

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
			for s.c.Status().State != client.StateConnected {
				time.Sleep(10 * time.Millisecond)
			}
			require.LessOrEqual(s, time.Since(begun), 3*time.Second)
		}
		require.Equal(s, 1, s.c.Status().Session)
	})
}
