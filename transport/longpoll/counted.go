package longpoll

import (
	"net"
	"sync/atomic"
)

// A counted connection counts its writes, save those that wrote nothing.
type counted struct {
	net.Conn
	writes atomic.Int64
}

// Write counts before it writes: whoever sees the old number has seen the
// connection before, or closed.
func (c *counted) Write(b []byte) (int, error) {
	c.writes.Add(1)
	n, err := c.Conn.Write(b)
	if n == 0 {
		c.writes.Add(-1)
	}
	return n, err
}

// NetConn is the connection below.
func (c *counted) NetConn() net.Conn { return c.Conn }

// countedOf is what a connection of a pool is over, nil if it is another's.
func countedOf(c net.Conn) *counted {
	for {
		k, ok := c.(*counted)
		if ok {
			return k
		}
		over, ok := c.(interface{ NetConn() net.Conn })
		if !ok {
			return nil
		}
		c = over.NetConn()
	}
}
