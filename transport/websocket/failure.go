package websocket

import (
	"errors"
	"io"
	"net"

	"github.com/turold/turold/bayeux"
)

// broken reports whether err is about a connection rather than what came on it.
func broken(err error) bool {
	var n net.Error
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, bayeux.ErrTooLarge) ||
		errors.Is(err, net.ErrClosed) || errors.Is(err, io.ErrClosedPipe) || errors.As(err, &n)
}

// plain is err, or our own error if others have wrapped it.
func plain(err error) error {
	if errors.Is(err, errHeader) {
		return errHeader
	}
	return err
}
