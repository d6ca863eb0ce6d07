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

var buffers = sync.Pool{New: func() any { return new(bytes.Buffer) }}

// ReadWhole reads r to its end, at most limit bytes, into memory of the exact
// size that is nobody else's. What is longer is an error that wraps
// bayeux.ErrTooLarge; what names it in the error, such as "a body".
func ReadWhole(r io.Reader, limit int, what string) ([]byte, error) {
	buf := buffers.Get().(*bytes.Buffer)
	defer func() {
		if buf.Cap() <= pooledBytes {
			buf.Reset()
			buffers.Put(buf)
		}
	}()
	if _, err := buf.ReadFrom(io.LimitReader(r, int64(limit)+1)); err != nil {
		return nil, err
	}
	if buf.Len() > limit {
		return nil, fmt.Errorf("%w: %s of more than %d bytes", bayeux.ErrTooLarge, what, limit)
	}
	return bytes.Clone(buf.Bytes()), nil
}
