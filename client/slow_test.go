package client_test

import (
	"errors"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/turold/turold/bayeux"
	"github.com/turold/turold/client"
)

// TestOneThatNeverReadsHarmsNobody: a hundred subscriptions of one session get
// 10,000 events a second, and one of them is never read. The others get each,
// in order; publishes take a round trip; the session is not disturbed; what the
// sleeper keeps is bounded, and it is told exactly what it missed.
func TestOneThatNeverReadsHarmsNobody(t *testing.T) {
	const (
		rate    = 10_000
		seconds = 3
		readers = 99
		keeps   = 1000
		total   = rate * seconds
	)
	onStack(t, nil, nil, func(s *stack) {
		sleeper, err := s.c.Subscribe(s.Context(), "/a", &client.SubscribeOptions{Queue: client.Bound{Messages: keeps}})
		require.NoError(s, err)
		var readersDone sync.WaitGroup
		lost := make([]int, readers)
		for i := range readers {
			sub, err := s.c.Subscribe(s.Context(), "/a", nil)
			require.NoError(s, err)
			readersDone.Go(func() {
				for n := range total {
					m, err := client.Flat(sub.Next(s.Context()))
					if err != nil || string(m.Data) != strconv.Itoa(n) {
						lost[i]++
					}
				}
			})
		}
		failures := s.dialer.Stats().Failures
		var heap [seconds]uint64
		var slowest time.Duration
		for n := range total {
			require.NoError(s, s.server.Publish("/a", n))
			if n%10 == 9 {
				time.Sleep(10 * time.Second / rate)
			}
			if n%rate == rate/2 {
				start := time.Now()
				require.NoError(s, s.c.Publish(s.Context(), "/b", n))
				slowest = max(slowest, time.Since(start))
				runtime.GC()
				var m runtime.MemStats
				runtime.ReadMemStats(&m)
				heap[n/rate] = m.HeapAlloc
			}
		}
		readersDone.Wait()
		require.Equal(s, make([]int, readers), lost, "events lost by those that read")
		require.LessOrEqual(s, slowest, 4*latency, "a publish takes a round trip, the first another for its connection")
		require.Equal(s, failures, s.dialer.Stats().Failures)
		require.Less(s, heap[seconds-1], heap[0]+8<<20, "memory is flat")
		s.Logf("a publish meanwhile took %v; heap in MiB: %d at first, %d at last", slowest, heap[0]>>20, heap[seconds-1]>>20)

		// The sleeper wakes up: one gap, its size, and the newest thousand.
		_, err = client.Flat(sleeper.Next(s.Context()))
		var gap *client.GapError
		require.ErrorAs(s, err, &gap)
		require.Equal(s, client.GapError{Channel: "/a", Reason: client.GapQueueFull, Missed: total - keeps}, *gap)
		for n := total - keeps; n < total; n++ {
			m, err := client.Flat(sleeper.Next(s.Context()))
			require.NoError(s, err)
			require.Equal(s, strconv.Itoa(n), string(m.Data))
		}
	})
}

// TestSlowReaderKeepsNoFrames: of a frame with one small message for a slow
// reader and much for others, the reader keeps the message.
func TestSlowReaderKeepsNoFrames(t *testing.T) {
	const frames = 500
	big := strings.Repeat("x", 100_000)
	onStack(t, nil, nil, func(s *stack) {
		_, err := s.c.Subscribe(s.Context(), "/slow", nil)
		require.NoError(s, err)
		others, err := s.c.Subscribe(s.Context(), "/big", nil)
		require.NoError(s, err)
		time.Sleep(time.Second)
		heap := func() uint64 {
			runtime.GC()
			var m runtime.MemStats
			runtime.ReadMemStats(&m)
			return m.HeapAlloc
		}
		before := heap()
		for range frames { // by long-polling the second comes in one body with the next first
			require.NoError(s, s.server.Publish("/big", big))
			require.NoError(s, s.server.Publish("/slow", 1))
			_, err := next(s.T, others, time.Second)
			require.NoError(s, err)
		}
		require.Less(s, heap(), before+20<<20, "of 50 MB in frames")
	})
}

// TestPoliciesOfAFullQueue: what each keeps, and where the gap stands.
func TestPoliciesOfAFullQueue(t *testing.T) {
	for name, tc := range map[string]struct {
		full client.QueuePolicy
		want []string
	}{
		"drop oldest":   {client.QueueDropOldest, []string{"gap 7", "7", "8", "9"}},
		"drop newest":   {client.QueueDropNewest, []string{"0", "1", "2", "gap 7"}},
		"end when full": {client.QueueEndWhenFull, []string{"0", "1", "2", "full"}},
	} {
		t.Run(name, func(t *testing.T) {
			for _, bound := range []client.Bound{{Messages: 3}, {Bytes: 3 * 180}} {
				onStack(t, nil, nil, func(s *stack) {
					sub, err := s.c.Subscribe(s.Context(), "/a", &client.SubscribeOptions{WhenFull: tc.full, Queue: bound})
					require.NoError(s, err)
					for n := range 10 {
						require.NoError(s, s.server.Publish("/a", n))
						time.Sleep(time.Second)
					}
					var got []string
					for range tc.want {
						m, err := client.Flat(sub.Next(s.Context()))
						got = append(got, seen(m, err))
					}
					require.Equal(s, tc.want, got)
				})
			}
		})
	}
}

func seen(m bayeux.Message, err error) string {
	var gap *client.GapError
	switch {
	case errors.As(err, &gap):
		return "gap " + strconv.Itoa(gap.Missed)
	case errors.Is(err, client.ErrQueueFull):
		return "full"
	case err != nil:
		return err.Error()
	}
	return string(m.Data)
}
