package websocket

import (
	"net"
	"sync"

	"github.com/turold/turold/internal/wire"
)

const (
	// The sizes of the buffers for what was read and not returned yet, in bytes. The
	// buffers are pooled: a socket holds one while something is in it, and while it waits
	// for more right behind something else.
	smallBuffer = 1 << 10
	largeBuffer = 16 << 10
)

var (
	smallBuffers = sync.Pool{New: func() any { b := make([]byte, smallBuffer); return &b }}
	largeBuffers = sync.Pool{New: func() any { b := make([]byte, largeBuffer); return &b }}
)

// A frameConn is the connection that gorilla reads from. Until the upgrade is done it
// returns at most headerLeft bytes, one at a time, so that gorilla never holds bytes
// behind the header of the 101. Afterwards (headerLeft below zero) a Read ends where
// the header of a frame ends, or the frame: when gorilla has a message it holds nothing
// of the next one, and the socket's reader knows whether anything is there. Between
// messages a Read never waits, because gorilla could not return from there without an
// error: where nothing is there, it returns blankFrame.
type frameConn struct {
	net.Conn
	raw        *rawConn // below TLS
	headerLeft int

	scanner   frameScanner
	gaveBlank bool    // Read has returned blankFrame, which never came
	filled    bool    // the last read filled its buffer: more may be there
	buf       *[]byte // pooled; nil: unread is empty
	unread    []byte  // the part of buf that Read has not returned yet
	err       error   // comes behind unread
}

// blankFrame is an empty text message (RFC 6455 section 5.2).
const blankFrame = "\x81\x00"

func (f *frameConn) Read(p []byte) (int, error) {
	switch {
	case f.headerLeft >= 0:
		return f.readHeader(p)
	case !f.isEmpty():
	case f.scanner.betweenMessages():
		f.gaveBlank = true
		return copy(p, blankFrame), nil
	case f.filled && len(p) >= largeBuffer && f.scanner.payloadLeft > 0: // nothing is gained by a copy
		n, err := f.Conn.Read(p[:min(int64(len(p)), f.scanner.payloadLeft)])
		f.scanner.payloadLeft -= int64(n)
		return n, err
	default:
		f.fill()
	}
	return f.readFrame(p)
}

// readHeader returns one byte of the answer to the upgrade.
func (f *frameConn) readHeader(p []byte) (int, error) {
	if f.headerLeft == 0 {
		return 0, wire.ErrHeaderTooLarge
	}
	if f.isEmpty() {
		f.fill()
	}
	n := copy(p[:min(len(p), 1)], f.unread)
	f.headerLeft -= n
	return n, f.consume(n)
}

// readFrame returns what is there, up to the end of the header or of the frame.
func (f *frameConn) readFrame(p []byte) (int, error) {
	n := f.scanner.advance(f.unread[:min(len(p), len(f.unread))])
	copy(p, f.unread[:n])
	return n, f.consume(n)
}

// consume drops the n bytes that Read returns, and returns the error if n is zero.
func (f *frameConn) consume(n int) error {
	f.unread = f.unread[n:]
	if len(f.unread) == 0 {
		f.releaseBuffer()
	}
	if n == 0 {
		return f.err
	}
	return nil
}

func (f *frameConn) releaseBuffer() {
	switch {
	case f.buf == nil:
	case len(*f.buf) == smallBuffer:
		smallBuffers.Put(f.buf)
	default:
		largeBuffers.Put(f.buf)
	}
	f.buf, f.unread = nil, nil
}

// isEmpty reports whether there is nothing for Read to return, and no error either.
func (f *frameConn) isEmpty() bool { return len(f.unread) == 0 && f.err == nil }

// fill waits for the next bytes, and holds a buffer meanwhile.
func (f *frameConn) fill() {
	pool := &smallBuffers
	if f.filled {
		pool = &largeBuffers
	}
	f.buf = pool.Get().(*[]byte)
	n, err := f.Conn.Read(*f.buf)
	f.unread, f.err, f.filled = (*f.buf)[:n], err, n == len(*f.buf)
	if n == 0 {
		f.releaseBuffer()
	}
}

// fillNoWait takes in what TLS has read already, if it has.
func (f *frameConn) fillNoWait() {
	f.raw.noWait = true
	f.fill()
	f.raw.noWait = false
	if f.err == errWouldBlock { //nolint:errorlint // rawConn returns it as it is
		f.err = nil
	}
}

// causeOf returns the error behind err, which is of the upgrade: a header that the
// bound has cut looks to net/http like one that is malformed.
func (f *frameConn) causeOf(err error) error {
	if err != nil && f.headerLeft == 0 {
		return wire.ErrHeaderTooLarge
	}
	return err
}

// Close closes the connection below TLS, which never blocks.
func (f *frameConn) Close() error { return f.raw.Close() }
