package client_test

import (
	"context"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/turold/turold/bayeux"
	"github.com/turold/turold/bayeux/bayeuxtest"
	"github.com/turold/turold/client"
)

// TestReceiptTellsPendingFromSuccess also holds its errors to Publish's.
func TestReceiptTellsPendingFromSuccess(t *testing.T) {
	onStack(t, &bayeuxtest.Options{Authorize: func(_ *http.Request, m bayeux.Message) string {
		if m.Channel == "/denied" {
			return "403::no"
		}
		return ""
	}}, nil, func(s *stack) {
		s.net.SetLatency(time.Second)
		good, err := s.c.Send(s.Context(), client.Draft{Channel: "/a", Data: 1})
		require.NoError(s, err)
		bad, err := s.c.Send(s.Context(), client.Draft{Channel: "/denied", Data: 1})
		require.NoError(s, err)
		require.ErrorIs(s, good.Err(), client.ErrPending)
		ctx, cancel := context.WithTimeout(s.Context(), time.Millisecond)
		defer cancel()
		err = good.Wait(ctx)
		require.EqualError(s, err, "client: publish /a: context deadline exceeded")
		require.ErrorIs(s, err, context.DeadlineExceeded)
		require.ErrorIs(s, good.Err(), client.ErrPending, "the message goes on")

		require.NoError(s, good.Wait(s.Context()))
		require.NoError(s, good.Err())
		published := s.c.Publish(s.Context(), "/denied", 1)
		require.EqualError(s, published, "client: publish /denied: forbidden: 403::no")
		require.EqualError(s, bad.Wait(s.Context()), published.Error())
		require.EqualError(s, bad.Err(), published.Error())
		require.ErrorIs(s, bad.Err(), bayeux.ErrForbidden)
	})
}
