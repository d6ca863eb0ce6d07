package transport

import (
	"bytes"
	"fmt"
	"io"
	"math"
	"sync"

	"github.com/turold/turold/bayeux"
)

const (
	leastBytes  = 512
	pooledBytes = 64 << 10 // larger buffers are not kept
)

// A whole is what something is read into.
type whole struct {
	b    []byte
	from io.LimitedReader
}

var wholes = sync.Pool{New: func() any { return &whole{b: make([]byte, 0, leastBytes)} }}

// ReadWhole reads r to its end, at most limit bytes, into memory of the exact
// size that is nobody else's. What is longer is an error that wraps
// bayeux.ErrTooLarge; what names it in the error, such as "a body".
func ReadWhole(r io.Reader, limit int, what string) ([]byte, error) {
	w := wholes.Get().(*whole)
	limit = min(limit, math.MaxInt-1)
	w.from = io.LimitedReader{R: r, N: int64(limit) + 1}
	b, err := appendAll(w.b[:0], &w.from, limit+1)
	if w.from.R = nil; cap(b) <= pooledBytes {
		defer func() { w.b = b; wholes.Put(w) }()
	}
	if err != nil {
		return nil, err
	}
	if len(b) > limit {
		return nil, fmt.Errorf("%w: %s of more than %d bytes", bayeux.ErrTooLarge, what, limit)
	}
	return bytes.Clone(b), nil
}

// appendAll reads r to its end, which is not beyond limit bytes. The buffer
// grows twofold, and never beyond what can come.
func appendAll(b []byte, r io.Reader, limit int) ([]byte, error) {
	for {
		if len(b) == cap(b) {
			larger := make([]byte, len(b), max(min(2*cap(b), limit), len(b)+1))
			copy(larger, b)
			b = larger
		}
		n, err := r.Read(b[len(b):cap(b)])
		b = b[:len(b)+n]
		if err == io.EOF {
			return b, nil
		}
		if err != nil {
			return b, err
		}
	}
}

// Decode is bayeux.Decode of a whole frame or body that is nobody else's. If
// less than half of it is messages, they are copied, so that what keeps them
// does not keep, say, a megabyte of white space with each.
func Decode(b []byte, l bayeux.Limits) ([]bayeux.Message, error) {
	ms, err := bayeux.Decode(b, l)
	size := 0
	for i := range ms {
		size += ms[i].Size()
	}
	if 2*size < len(b) {
		for i := range ms {
			ms[i] = ms[i].Clone()
		}
	}
	return ms, err
}
