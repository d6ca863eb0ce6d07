package longpoll

import (
	"net"
	"sync/atomic"
)

// A countedConn counts its writes, except those that wrote nothing.
type countedConn struct {
	net.Conn
	writes atomic.Int64
}

// Write counts before it writes: a goroutine that reads the old number has looked
// before the write, or the connection was closed.
func (c *countedConn) Write(b []byte) (int, error) {
	c.writes.Add(1)
	n, err := c.Conn.Write(b)
	if n == 0 {
		c.writes.Add(-1)
	}
	return n, err
}

// NetConn is the connection below.
func (c *countedConn) NetConn() net.Conn { return c.Conn }

// countedConnOf returns the countedConn below a connection of NewRoundTripper's pool, nil
// if the connection is of another RoundTripper.
func countedConnOf(c net.Conn) *countedConn {
	for {
		k, ok := c.(*countedConn)
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
