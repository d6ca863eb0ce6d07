package websocket

import "net"

// A bottom is the connection as the system has it, below TLS. A reader that has
// nothing to do waits on it alone, in a goroutine that was started for that: its
// stack has not grown, and 2 KiB hold it where TLS and gorilla would take 8.
type bottom struct {
	net.Conn
	dry  bool     // only what waited is given out
	some [48]byte // where wait puts what comes: a pong, the head of a record of TLS
	n    int      // how much of it is to be given out
	err  error    // for good, behind that
}

// wait returns when something is there.
func (b *bottom) wait() { b.n, b.err = b.Conn.Read(b.some[:]) }

func (b *bottom) Read(p []byte) (int, error) {
	switch {
	case b.n > 0:
		n := copy(p, b.some[:b.n])
		b.n = copy(b.some[:], b.some[n:b.n])
		return n, nil
	case b.err != nil:
		return 0, b.err
	case b.dry:
		return 0, errDry
	}
	return b.Conn.Read(p)
}

// errDry says that a read would have waited. It is a net.Error of a kind that
// crypto/tls does not take for the end of the connection.
var errDry error = dry{}

type dry struct{}

func (dry) Error() string   { return "nothing is there" }
func (dry) Timeout() bool   { return true }
func (dry) Temporary() bool { return true }
