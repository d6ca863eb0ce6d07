package servers

import (
	"net"
	"sync"
	"time"
)

// A Counter listens where a server is dead, and breaks every connection at
// once. It is the outage that can be counted: nobody sees a refused one.
type Counter struct {
	l    net.Listener
	done chan struct{}
	mu   sync.Mutex
	at   []time.Time
}

// Count begins to listen on the port of a dead server.
func (s *Server) Count() (*Counter, error) {
	l, err := net.Listen("tcp", s.Addr())
	if err != nil {
		return nil, err
	}
	c := &Counter{l: l, done: make(chan struct{})}
	go c.accept()
	return c, nil
}

func (c *Counter) accept() {
	defer close(c.done)
	for {
		conn, err := c.l.Accept()
		if err != nil {
			return
		}
		c.mu.Lock()
		c.at = append(c.at, time.Now())
		c.mu.Unlock()
		_ = conn.(*net.TCPConn).SetLinger(0)
		_ = conn.Close()
	}
}

// Connections are the moments at which one came, in order.
func (c *Counter) Connections() []time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return append([]time.Time(nil), c.at...)
}

// Close stops listening; a server can be started on the port then.
func (c *Counter) Close() {
	_ = c.l.Close()
	<-c.done
}
