package client_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/turold/turold/client"
)

// TestNoUnsubscribeOvertakesTheSubscribeBehindIt has a server stand still a little
// longer than NetworkDelay, while a subscription ends and another of the same
// channel begins.
func TestNoUnsubscribeOvertakesTheSubscribeBehindIt(t *testing.T) {
	for _, still := range []time.Duration{10500 * time.Millisecond, 21 * time.Second} {
		t.Run(still.String(), func(t *testing.T) {
			onStack(t, nil, nil, func(s *stack) {
				old, err := s.c.Subscribe(s.Context(), "/a", nil)
				require.NoError(s, err)
				time.Sleep(5 * time.Second)
				s.standsStill(still)
				short, cancel := context.WithTimeout(s.Context(), time.Second)
				defer cancel()
				require.ErrorIs(s, old.Unsubscribe(short), context.DeadlineExceeded)
				sub, err := s.c.Subscribe(s.Context(), "/a", nil)
				require.NoError(s, err)
				time.Sleep(time.Minute)
				require.Len(s, s.server.Sessions(), 1)
				require.Len(s, s.server.Sessions()[0].Subscriptions(), 1)
				require.NoError(s, s.server.Publish("/a", "there"))
				for {
					data, err := next(s.T, sub, time.Second)
					if gap := (*client.GapError)(nil); err != nil {
						require.ErrorAs(s, err, &gap)
						continue
					}
					require.Equal(s, `"there"`, data)
					break
				}
			})
		})
	}
}

// TestNoAbandonedSubscribeIsLeftBehind is the same the other way round: a
// Subscribe is abandoned while the server stands still.
func TestNoAbandonedSubscribeIsLeftBehind(t *testing.T) {
	onStack(t, nil, nil, func(s *stack) {
		time.Sleep(5 * time.Second)
		s.standsStill(10500 * time.Millisecond)
		short, cancel := context.WithTimeout(s.Context(), time.Second)
		defer cancel()
		_, err := s.c.Subscribe(short, "/a", nil)
		require.ErrorIs(s, err, context.DeadlineExceeded)
		time.Sleep(time.Minute)
		require.Len(s, s.server.Sessions(), 1)
		require.Empty(s, s.server.Sessions()[0].Subscriptions())
	})
}

// TestChangingOnesMindCostsTwoMessages: where every answer comes in time nothing is
// asked twice.
func TestChangingOnesMindCostsTwoMessages(t *testing.T) {
	onStack(t, nil, nil, func(s *stack) {
		time.Sleep(5 * time.Second)
		before := s.server.Stats()
		for range 10 {
			sub, err := s.c.Subscribe(s.Context(), "/a", nil)
			require.NoError(s, err)
			require.NoError(s, sub.Unsubscribe(s.Context()))
		}
		time.Sleep(time.Minute)
		require.Equal(s, before.Subscribes+10, s.server.Stats().Subscribes)
	})
}

// standsStill has what passes in either direction wait until the time is over.
func (s *stack) standsStill(d time.Duration) {
	s.net.Stall(address, true, true)
	time.AfterFunc(d, func() { s.net.Stall(address, false, false) })
}
