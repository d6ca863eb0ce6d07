package client_test

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/turold/turold/client"
)

// TestDrainOfOneClient: the messages that it has are handled, what it sent is
// settled, and the Dialer's other sessions go on.
func TestDrainOfOneClient(t *testing.T) {
	onStack(t, nil, nil, func(s *stack) {
		sub, err := s.c.Subscribe(s.Context(), "/a", nil)
		require.NoError(s, err)
		other, err := s.dialer.Dial(s.Context(), site, nil)
		require.NoError(s, err)
		require.NoError(s, s.server.Publish("/a", 1))
		time.Sleep(time.Second)
		receipt, err := s.c.Send(s.Context(), client.Draft{Channel: "/b", Data: 1})
		require.NoError(s, err)
		var handled atomic.Int64
		go func() {
			for item, err := range sub.Messages(s.Context()) {
				if _, ok := item.Value(); ok && err == nil {
					time.Sleep(time.Second)
					handled.Add(1)
				}
			}
		}()
		require.NoError(s, s.c.Drain(s.Context()))
		require.EqualValues(s, 1, handled.Load())
		require.NoError(s, receipt.Err())
		require.ErrorIs(s, s.c.Err(), client.ErrClosed)
		require.Len(s, s.server.Sessions(), 1, "it said goodbye, the other did not")
		require.NoError(s, other.Publish(s.Context(), "/b", 2))
		require.NoError(s, s.c.Drain(s.Context()), "of a client that is closed")
	})
}

// TestDrainOfOneClientIsBounded: what is left when the context ends is told.
func TestDrainOfOneClientIsBounded(t *testing.T) {
	onStack(t, nil, nil, func(s *stack) {
		_, err := s.c.Subscribe(s.Context(), "/a", nil) // nobody reads it
		require.NoError(s, err)
		require.NoError(s, s.server.Publish("/a", 1))
		time.Sleep(time.Second)
		ctx, cancel := context.WithTimeout(s.Context(), time.Second)
		defer cancel()
		var left *client.DrainError
		require.ErrorAs(s, s.c.Drain(ctx), &left)
		require.Equal(s, 1, left.Unhandled)
		require.ErrorIs(s, left, context.DeadlineExceeded)
		require.ErrorIs(s, s.c.Err(), client.ErrClosed)
	})
}
