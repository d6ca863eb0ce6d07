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
	discardBytes = 256 << 10 // read at most of a body that is not wanted, so that its connection can serve again
	// trustedLength is the largest Content-Length, in bytes, for which memory is taken at
	// once: a longer body gets its memory as it comes.
	trustedLength  = 1 << 20
	discardTimeout = 250 * time.Millisecond // for reading that
)

// readBody reads a body of at most limit bytes after inflation, into memory of the exact
// size that nothing else refers to.
func readBody(res *http.Response, limit int) ([]byte, error) {
	n := res.ContentLength
	if n > int64(limit) {
		return nil, fmt.Errorf("%w: a body of %d bytes, at most %d", bayeux.ErrTooLarge, n, limit)
	}
	if n >= 0 && n <= trustedLength {
		b := make([]byte, n)
		_, err := io.ReadFull(res.Body, b)
		return b, err
	}
	return wire.ReadWhole(res.Body, limit, "a body")
}

// discardBody ends a response. It reads what is left of the body, within bounds, because
// only then does the connection serve again.
func discardBody(res *http.Response, cancel context.CancelCauseFunc) {
	defer res.Body.Close()
	if res.StatusCode == http.StatusSwitchingProtocols {
		return // the body is the connection itself, which nothing aborts but Close
	}
	late := time.AfterFunc(discardTimeout, func() { cancel(errExchangeOver) })
	defer late.Stop()
	_, _ = io.Copy(io.Discard, io.LimitReader(res.Body, discardBytes))
}
