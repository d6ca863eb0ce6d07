package longpoll

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/turold/turold/bayeux"
	"github.com/turold/turold/internal/wire"
)

const (
	discardBytes = 256 << 10 // of a body that is not wanted, so that its connection can serve again
	// believedBytes is how long a body may say to be and get memory for that at
	// once: what says more gets it as it comes.
	believedBytes = 1 << 20
	discardTime   = 250 * time.Millisecond // for the same
)

// read takes a body of at most limit bytes after inflation, into memory of its
// exact size that is nobody else's.
func read(res *http.Response, limit int) ([]byte, error) {
	n := res.ContentLength
	if n > int64(limit) {
		return nil, fmt.Errorf("%w: a body of %d bytes, at most %d", bayeux.ErrTooLarge, n, limit)
	}
	if n >= 0 && n <= believedBytes {
		b := make([]byte, n)
		_, err := io.ReadFull(res.Body, b)
		return b, err
	}
	return wire.ReadWhole(res.Body, limit, "a body")
}

// discard ends a response. What is left of the body is read, within bounds,
// because only then does its connection serve again.
func discard(res *http.Response, cancel context.CancelCauseFunc) {
	defer res.Body.Close()
	if res.StatusCode == http.StatusSwitchingProtocols {
		return // the body is the connection itself, which nothing aborts but Close
	}
	late := time.AfterFunc(discardTime, func() { cancel(errFinished) })
	defer late.Stop()
	_, _ = io.Copy(io.Discard, io.LimitReader(res.Body, discardBytes))
}
