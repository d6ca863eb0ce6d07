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
	// shortReads is the buffer through which net/http reads: what it reads in
	// larger pieces goes past it, and no further than the body does.
	shortReads = 256
	// quietBuffer is where the rest of what came waits.
	quietBuffer = bufferSize - shortReads
)

// A quiet connection gives net/http the answers to requests in HTTP/1.1, and of
// what comes unasked nothing but an end. net/http prints that on Go's standard log,
// with whatever it holds, and might take it for the answer to the next request.
//
// What is behind an answer in the same packet must not reach the buffer of
// net/http either. So a read that may be for that buffer gets no more than is sure
// to be wanted: what is left of the header, or of a body of known length, or else
// one byte.
type quiet struct {
	net.Conn
	in *bufio.Reader

	state atomic.Uint64 // see begins; odd: a request was written, and is not answered

	// The reader's.
	spoiled bool  // something came unasked
	body    bool  // the header was given
	left    int64 // of the body, if that is known; else not above zero
	line    [32]byte
	n       int // of line: the beginning of the header's, as far as it was given
}

func newQuiet(c net.Conn) *quiet {
	return &quiet{Conn: c, in: bufio.NewReaderSize(c, quietBuffer)}
}

// NetConn is the connection below.
func (q *quiet) NetConn() net.Conn { return q.Conn }

// begins is told that a request gets the connection, and returns a name for it.
func (q *quiet) begins() (request uint64) {
	for {
		old := q.state.Load()
		if request = old&^1 + 2; q.state.CompareAndSwap(old, request) {
			return request
		}
	}
}

// rests is told that the request was answered; by the reader.
func (q *quiet) rests(request uint64) {
	q.spoiled = q.spoiled || q.in.Buffered() > 0
	q.body, q.left, q.n = false, 0, 0
	q.state.CompareAndSwap(request|1, request) // unless it is another's already
}

func (q *quiet) Write(b []byte) (int, error) {
	q.state.Or(1)
	return q.Conn.Write(b)
}

func (q *quiet) Read(p []byte) (n int, err error) {
	large := len(p) > shortReads
	if q.in.Buffered() == 0 && !large {
		if _, err := q.in.Peek(1); err != nil {
			return 0, err
		}
	}
	switch {
	case q.spoiled:
		return 0, io.EOF
	case large:
	case q.unasked():
		return 0, io.EOF
	case !q.body:
		return q.in.Read(p[:q.header(len(p))])
	default:
		p = p[:max(1, min(len(p), int(min(q.left, shortReads))))]
	}
	n, err = q.in.Read(p)
	if n > 0 && q.unasked() {
		return 0, io.EOF
	}
	q.left -= min(int64(n), max(q.left, 0))
	return n, err
}

func (q *quiet) unasked() bool { return q.state.Load()&1 == 0 }

// header is how many of n bytes belong to the header, which ends with an empty line.
func (q *quiet) header(n int) int {
	there, _ := q.in.Peek(min(n, q.in.Buffered()))
	for i, b := range there {
		switch {
		case b == '\n' && q.n == 0:
			q.body = true
			return i + 1
		case b == '\n':
			q.length(q.line[:q.n])
			q.n = 0
		case b != '\r' && q.n < len(q.line):
			q.line[q.n] = b
			q.n++
		}
	}
	return len(there)
}

// length learns from a line of the header how long the body is. One in chunks is
// of no known length.
func (q *quiet) length(line []byte) {
	name, value, _ := bytes.Cut(line, []byte(":"))
	switch {
	case bytes.EqualFold(name, []byte("Transfer-Encoding")):
		q.left = -1
	case bytes.EqualFold(name, []byte("Content-Length")) && q.left == 0:
		q.left, _ = strconv.ParseInt(string(bytes.TrimSpace(value)), 10, 64)
	}
}
