package wire

import "net"

// DiscardUnsent makes the Close of a connection discard what the system has not
// delivered yet, and reset it (RFC 9293 section 3.10.4, SO_LINGER of zero). A pipe
// does that to a leg it gives up: otherwise the system goes on delivering behind
// its back, and what a network held up for a minute reaches a server that has long
// heard newer things of the session. It looks through TLS; a connection without
// SetLinger stays as it is.
func DiscardUnsent(c net.Conn) {
	for {
		switch over := c.(type) {
		case interface{ SetLinger(sec int) error }:
			_ = over.SetLinger(0)
			return
		case interface{ NetConn() net.Conn }:
			c = over.NetConn()
		default:
			return
		}
	}
}
