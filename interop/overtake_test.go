package interop_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/turold/turold/client"
	"github.com/turold/turold/fallback"
	"github.com/turold/turold/interop/servers"
)

// TestServerHangsBetweenUnsubscribeAndSubscribe: the process is stopped for a
// little longer than NetworkDelay while a subscription ends and another of the
// same channel begins, or the other way round.
func TestServerHangsBetweenUnsubscribeAndSubscribe(t *testing.T) {
	t.Parallel()
	const delay = 3 * time.Second
	s := start(t, servers.CometD)
	for _, mode := range modes {
		t.Run(mode.String(), func(t *testing.T) {
			d := &client.Dialer{Policy: fallback.Policy{Mode: mode}, Logger: logger(t)}
			t.Cleanup(func() { _ = d.Close() })
			c, err := d.Dial(t.Context(), s.URL(), &client.Options{NetworkDelay: delay})
			require.NoError(t, err)
			ctx := limit(t, 2*time.Minute)
			old, err := c.Subscribe(ctx, "/lab/a", nil)
			require.NoError(t, err)
			time.Sleep(3 * time.Second) // Auto moves, and a connect is held

			resumed := make(chan error, 1)
			hang := func() {
				require.NoError(t, s.Pause())
				time.Sleep(200 * time.Millisecond) // which it does when the system gets round to it
				time.AfterFunc(delay+500*time.Millisecond, func() { resumed <- s.Resume() })
			}
			hang()
			short, cancel := context.WithTimeout(ctx, 100*time.Millisecond)
			defer cancel()
			require.ErrorIs(t, old.Unsubscribe(short), context.DeadlineExceeded)
			sub, err := c.Subscribe(ctx, "/lab/a", nil)
			require.NoError(t, err)
			require.NoError(t, <-resumed)
			time.Sleep(3 * delay) // all that was sent has arrived, and was asked behind
			require.Equal(t, 1, c.Status().Session)
			require.NoError(t, s.Publish("/lab/a", 0, 10, 0))
			require.Equal(t, upTo(10), pullBehindGaps(t, sub, 10))

			hang()
			short, cancel = context.WithTimeout(ctx, 100*time.Millisecond)
			defer cancel()
			_, err = c.Subscribe(short, "/lab/b", nil)
			require.ErrorIs(t, err, context.DeadlineExceeded)
			require.NoError(t, <-resumed)
			time.Sleep(3 * delay)
			dropped := c.Status().Dropped
			require.NoError(t, s.Publish("/lab/b", 0, 10, 0))
			require.NoError(t, s.Publish("/lab/a", 10, 1, 0))
			require.Equal(t, []int{10}, pullBehindGaps(t, sub, 1))
			require.Equal(t, dropped, c.Status().Dropped, "what nobody wants any more comes no more")
		})
	}
}

// pullBehindGaps is pull where a subscription may have been told of a gap.
func pullBehindGaps(t *testing.T, sub *client.Subscription, count int) (got []int) {
	t.Helper()
	for item, err := range client.Values[number](sub.Messages(limit(t, time.Minute))) {
		require.NoError(t, err, "after %d events", len(got))
		n, ok := item.Value()
		if !ok {
			require.Nil(t, item.Misfit())
			continue
		}
		if got = append(got, n.N); len(got) == count {
			break
		}
	}
	return got
}
