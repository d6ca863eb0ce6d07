package wire

import (
	"bytes"
	"fmt"
	"io"
	"math"
	"sync"

	"github.com/turold/turold/bayeux"
)

const (
	smallestBuffer = 512      // bytes
	largestPooled  = 64 << 10 // bytes; larger buffers are not kept
)

// A readBuffer takes in what is read until its size is known.
type readBuffer struct {
	b    []byte
	from io.LimitedReader
}

var readBuffers = sync.Pool{New: func() any { return &readBuffer{b: make([]byte, 0, smallestBuffer)} }}

// ReadWhole reads r to its end, at most limit bytes, into memory of the exact size
// that nothing else refers to. More bytes are an error that wraps bayeux.ErrTooLarge;
// what names them in its text, such as "a body".
func ReadWhole(r io.Reader, limit int, what string) ([]byte, error) {
	buf := readBuffers.Get().(*readBuffer)
	limit = min(limit, math.MaxInt-1)
	buf.from = io.LimitedReader{R: r, N: int64(limit) + 1}
	b, err := appendAll(buf.b[:0], &buf.from, limit+1)
	if buf.from.R = nil; cap(b) <= largestPooled {
		defer func() { buf.b = b; readBuffers.Put(buf) }()
	}
	if err != nil {
		return nil, err
	}
	if len(b) > limit {
		return nil, fmt.Errorf("%w: %s of more than %d bytes", bayeux.ErrTooLarge, what, limit)
	}
	return bytes.Clone(b), nil
}

// appendAll reads r, which has limit bytes at most, to its end. The buffer doubles as
// it grows, and never grows beyond what can come.
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

// IsBlank reports whether b is empty or JSON's white space (RFC 8259 section 2).
func IsBlank(b []byte) bool { return len(bytes.TrimLeft(b, " \t\r\n")) == 0 }

// Decode is bayeux.Decode of a whole frame or body that nothing else refers to. If
// less than half of it is messages, they are copied, so that a program that keeps one
// does not keep, say, a megabyte of white space with it.
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
