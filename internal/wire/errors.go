package wire

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"

	"github.com/turold/turold/bayeux"
)

// Errors that stand in the place of one whose text may hold what the network sent,
// or a secret.
var (
	ErrNotHTTP        = errors.New("the answer is not HTTP")
	ErrProxyAddress   = errors.New("no usable address of a proxy")
	ErrHeaderTooLarge = fmt.Errorf("%w: the header of the answer", bayeux.ErrTooLarge)

	errUnknownStatus = errors.New("unknown status")
)

// StatusError says an HTTP status in the words of RFC 9110 section 15, never in
// the server's own, which may be anything.
func StatusError(code int) error {
	if text := http.StatusText(code); text != "" {
		return errors.New(text)
	}
	return errUnknownStatus
}

// IsConnError reports whether err is about a connection rather than about what came
// on it: the end of the stream, or an error of package net. The text of such an error
// quotes nothing that came.
func IsConnError(err error) bool {
	var n net.Error
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.ErrClosedPipe) || errors.As(err, &n)
}
