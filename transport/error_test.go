package transport_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/turold/turold/bayeux"
	"github.com/turold/turold/transport"
)

// TestErrorText: the text names the operation once and no package, so that it reads
// well behind the name of the package that wraps it.
func TestErrorText(t *testing.T) {
	refused := &net.OpError{Op: "dial", Net: "tcp", Addr: &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 1}, Err: syscall.ECONNREFUSED}
	for want, e := range map[string]*transport.Error{
		"dial tcp 127.0.0.1:1: connection refused":                {Op: "dial", Err: refused},
		"proxy: dial tcp 127.0.0.1:1: connection refused":         {Op: "proxy", Err: refused},
		"upgrade: status 404: Not Found":                          {Op: "upgrade", Status: 404, Err: errors.New("Not Found")},
		"status 503: Service Unavailable":                         {Op: "status", Status: 503, Err: errors.New("Service Unavailable")},
		"close 1009: the server closed the WebSocket":             {Op: "close", Status: 1009, Err: errors.New("the server closed the WebSocket")},
		"read: unexpected EOF":                                    {Op: "read", Err: io.ErrUnexpectedEOF},
		"read: status 200: beyond the limits: a body of 10 bytes": {Op: "read", Status: 200, Err: fmt.Errorf("%w: a body of 10 bytes", bayeux.ErrTooLarge)},
		"cut: closed": {Op: "cut", Err: transport.ErrClosed},
	} {
		require.EqualError(t, e, want)
	}
}

// TestErrorIsANetError: a time limit of the network's is a Timeout, and no error of
// the caller's context.
func TestErrorIsANetError(t *testing.T) {
	for _, tc := range []struct {
		name    string
		cause   error
		timeout bool
	}{
		{"a deadline of the connection", os.ErrDeadlineExceeded, true},
		{"the dial's context", context.DeadlineExceeded, true},
		{"inside an OpError", &net.OpError{Op: "read", Err: os.ErrDeadlineExceeded}, true},
		{"a reset", &net.OpError{Op: "read", Err: syscall.ECONNRESET}, false},
		{"a cut", context.Canceled, false},
		{"the end of the stream", io.EOF, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var n net.Error
			require.ErrorAs(t, fmt.Errorf("outer: %w", &transport.Error{Op: "read", Err: tc.cause}), &n)
			require.Equal(t, tc.timeout, n.Timeout())
			require.NotErrorIs(t, n, context.DeadlineExceeded)
			require.NotErrorIs(t, n, context.Canceled)
		})
	}
}
