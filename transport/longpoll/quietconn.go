package longpoll

import (
	"bufio"
	"bytes"
	"io"
	"net"
	"strconv"
	"sync/atomic"
)

const (
	// readBufferSize is the size of the buffer through which net/http reads, in bytes:
	// larger reads bypass it, and go no further than the body does.
	readBufferSize = 256
	// quietBufferSize is the size of the buffer for bytes that net/http may not have yet.
	quietBufferSize = bufferSize - readBufferSize
)

// A quietConn gives net/http the answers to requests in HTTP/1.1. It ends the stream
// when the peer sends something unasked: net/http would print that on Go's standard log,
// whatever it holds, and might take it for the answer to the next request.
//
// Bytes behind an answer in the same packet must not reach the buffer of net/http
// either. So a read that may be for that buffer gets only bytes that belong to the
// answer for certain: what is left of the header, or of a body of known length, or else
// one byte.
type quietConn struct {
	net.Conn
	buffered *bufio.Reader

	state atomic.Uint64 // see startRequest; an odd number: a request was written, and is not answered

	// Only the reader uses these.
	unaskedSeen   bool  // the peer has sent something unasked
	inBody        bool  // Read has returned the whole header
	bodyLeft      int64 // bytes of the body, if its length is known; else not above zero
	headerLine    [32]byte
	headerLineLen int // bytes of headerLine: the start of the present line, as far as Read has returned it
}

func newQuietConn(c net.Conn) *quietConn {
	return &quietConn{Conn: c, buffered: bufio.NewReaderSize(c, quietBufferSize)}
}

// NetConn is the connection below.
func (q *quietConn) NetConn() net.Conn { return q.Conn }

// startRequest is called when a request gets the connection. It returns a number for it.
func (q *quietConn) startRequest() (request uint64) {
	for {
		old := q.state.Load()
		if request = old&^1 + 2; q.state.CompareAndSwap(old, request) {
			return request
		}
	}
}

// endRequest is called by the reader of the connection when the request was answered.
func (q *quietConn) endRequest(request uint64) {
	q.unaskedSeen = q.unaskedSeen || q.buffered.Buffered() > 0
	q.inBody, q.bodyLeft, q.headerLineLen = false, 0, 0
	q.state.CompareAndSwap(request|1, request) // unless another request has the connection already
}

func (q *quietConn) Write(b []byte) (int, error) {
	q.state.Or(1)
	return q.Conn.Write(b)
}

func (q *quietConn) Read(p []byte) (n int, err error) {
	large := len(p) > readBufferSize
	if q.buffered.Buffered() == 0 && !large {
		if _, err := q.buffered.Peek(1); err != nil {
			return 0, err
		}
	}
	switch {
	case q.unaskedSeen:
		return 0, io.EOF
	case large:
	case q.isIdle():
		return 0, io.EOF
	case !q.inBody:
		return q.buffered.Read(p[:q.headerBytes(len(p))])
	default:
		p = p[:max(1, min(len(p), int(min(q.bodyLeft, readBufferSize))))]
	}
	n, err = q.buffered.Read(p)
	if n > 0 && q.isIdle() {
		return 0, io.EOF
	}
	q.bodyLeft -= min(int64(n), max(q.bodyLeft, 0))
	return n, err
}

func (q *quietConn) isIdle() bool { return q.state.Load()&1 == 0 }

// headerBytes returns how many of n bytes belong to the header, which ends with an empty
// line.
func (q *quietConn) headerBytes(n int) int {
	there, _ := q.buffered.Peek(min(n, q.buffered.Buffered()))
	for i, b := range there {
		switch {
		case b == '\n' && q.headerLineLen == 0:
			q.inBody = true
			return i + 1
		case b == '\n':
			q.readLength(q.headerLine[:q.headerLineLen])
			q.headerLineLen = 0
		case b != '\r' && q.headerLineLen < len(q.headerLine):
			q.headerLine[q.headerLineLen] = b
			q.headerLineLen++
		}
	}
	return len(there)
}

// readLength takes the length of the body from a line of the header. A body in chunks
// has no known length.
func (q *quietConn) readLength(line []byte) {
	name, value, _ := bytes.Cut(line, []byte(":"))
	switch {
	case bytes.EqualFold(name, []byte("Transfer-Encoding")):
		q.bodyLeft = -1
	case bytes.EqualFold(name, []byte("Content-Length")) && q.bodyLeft == 0:
		q.bodyLeft, _ = strconv.ParseInt(string(bytes.TrimSpace(value)), 10, 64)
	}
}
