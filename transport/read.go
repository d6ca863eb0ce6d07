package transport

import (
	"bytes"
	"fmt"
	"io"
	"sync"

	"github.com/turold/turold/bayeux"
)

// pooledBytes: larger buffers are not kept.
const pooledBytes = 64 << 10

// A whole is what something is read into.
type whole struct {
	bytes.Buffer
	from io.LimitedReader
}

var wholes = sync.Pool{New: func() any { return new(whole) }}

// ReadWhole reads r to its end, at most limit bytes, into memory of the exact
// size that is nobody else's. What is longer is an error that wraps
// bayeux.ErrTooLarge; what names it in the error, such as "a body".
func ReadWhole(r io.Reader, limit int, what string) ([]byte, error) {
	buf := wholes.Get().(*whole)
	defer func() {
		if buf.from.R = nil; buf.Cap() <= pooledBytes {
			buf.Reset()
			wholes.Put(buf)
		}
	}()
	buf.from = io.LimitedReader{R: r, N: int64(limit) + 1}
	if _, err := buf.ReadFrom(&buf.from); err != nil {
		return nil, err
	}
	if buf.Len() > limit {
		return nil, fmt.Errorf("%w: %s of more than %d bytes", bayeux.ErrTooLarge, what, limit)
	}
	return bytes.Clone(buf.Bytes()), nil
}
