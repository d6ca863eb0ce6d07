package websocket

import "net"

// A rawConn is the connection of the system, below TLS. The reader of an idle socket
// waits on it alone, in a goroutine that was started for that: the stack of that
// goroutine has not grown, and is 2 KiB where TLS and gorilla would take 8.
type rawConn struct {
	net.Conn
	noWait    bool     // Read returns peeked bytes or errWouldBlock
	peeked    [48]byte // what peek read: a pong, the head of a record of TLS
	peekedLen int      // bytes of it that Read has not returned yet
	err       error    // comes behind them, and stays
}

// peek waits for the next bytes and keeps them for Read.
func (r *rawConn) peek() { r.peekedLen, r.err = r.Conn.Read(r.peeked[:]) }

func (r *rawConn) Read(p []byte) (int, error) {
	switch {
	case r.peekedLen > 0:
		n := copy(p, r.peeked[:r.peekedLen])
		r.peekedLen = copy(r.peeked[:], r.peeked[n:r.peekedLen])
		return n, nil
	case r.err != nil:
		return 0, r.err
	case r.noWait:
		return 0, errWouldBlock
	}
	return r.Conn.Read(p)
}

// errWouldBlock says that a Read would have had to wait. It is a net.Error of a kind that
// crypto/tls does not take for the end of the connection.
var errWouldBlock error = wouldBlock{}

type wouldBlock struct{}

func (wouldBlock) Error() string   { return "nothing is there" }
func (wouldBlock) Timeout() bool   { return true }
func (wouldBlock) Temporary() bool { return true }
