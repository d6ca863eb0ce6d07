package client

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/turold/turold/fallback"
	"github.com/turold/turold/transport"
)

// TestTheContextsCauseIsNoEvent: what a caller ends a context with may be any
// error, also one of ours, and ends the loop as any other does.
func TestTheContextsCauseIsNoEvent(t *testing.T) {
	for _, cause := range []error{&GapError{Channel: "/a"}, fmt.Errorf("because of %w", &GapError{}), ErrUnsubscribed, ErrClosed, errors.New("enough")} {
		bubble(t, nil, acked, func(c *Client, p *pipe) {
			sub := p.subscribe(c, "/a", nil, socket())
			ctx, end := context.WithCancelCause(context.Background())
			end(cause)
			var got []error
			for _, err := range sub.Messages(ctx) {
				if got = append(got, err); len(got) > 10 {
					break
				}
			}
			require.Equal(t, []error{cause}, got)
		})
	}
}

// TestTheNetworksTimeIsNotTheCallers: errors of the network that say they are a
// context's are none for who asks, and are all that they were otherwise.
func TestTheNetworksTimeIsNotTheCallers(t *testing.T) {
	broken := &net.OpError{Op: "dial", Net: "tcp", Err: context.DeadlineExceeded}
	for _, mode := range []fallback.Mode{fallback.Auto, fallback.WebSocketFirst, fallback.WebSocketOnly, fallback.LongPollingOnly} {
		for _, cause := range []error{context.DeadlineExceeded, context.Canceled, broken, os.ErrDeadlineExceeded} {
			d := &Dialer{Policy: fallback.Policy{Mode: mode}, Proxy: http.ProxyURL(nil), DialContext: func(context.Context, string, string) (net.Conn, error) { return nil, cause }}
			_, err := d.Dial(t.Context(), "http://server/cometd", nil)
			d.Close()
			var failed *transport.Error
			require.ErrorAs(t, err, &failed)
			require.NotErrorIs(t, err, context.DeadlineExceeded)
			require.NotErrorIs(t, err, context.Canceled)
			require.Contains(t, err.Error(), cause.Error())
			if cause == broken {
				var op *net.OpError
				require.ErrorAs(t, err, &op)
			}
			if cause == os.ErrDeadlineExceeded {
				require.ErrorIs(t, err, os.ErrDeadlineExceeded)
			}
		}
	}
	d := &Dialer{Proxy: http.ProxyURL(nil), DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		<-ctx.Done()
		return nil, ctx.Err()
	}}
	defer d.Close()
	ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	_, err := d.Dial(ctx, "http://server/cometd", nil)
	require.ErrorIs(t, err, context.DeadlineExceeded, "this one is the caller's")
}

// TestAProxysRefusalIsNoSignIn: the Credentials hook signs in to the server, and
// cannot mend what a proxy answers to CONNECT.
func TestAProxysRefusalIsNoSignIn(t *testing.T) {
	var asked atomic.Int32
	o := &Options{Credentials: func(context.Context, *Credential) (*Credential, error) {
		asked.Add(1)
		return &Credential{}, nil
	}}
	bubble(t, o, acked, func(c *Client, p *pipe) {
		for range 5 {
			p.end(socket(), &transport.Error{Op: "proxy", Status: http.StatusUnauthorized, Err: errors.New("401")})
			time.Sleep(time.Minute)
		}
		require.EqualValues(t, 1, asked.Load())
		require.NoError(t, c.Err())
	})
}
