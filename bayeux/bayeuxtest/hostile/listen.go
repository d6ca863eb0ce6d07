package hostile

import (
	"net"
	"slices"
	"sync"
)

// A Listener is one whose connections have a fault.
type Listener struct {
	net.Listener
	mu    sync.Mutex
	fault Fault
	conns []*conn // in the order in which they were accepted
}

// Listen wraps a listener.
func Listen(l net.Listener, f Fault) *Listener {
	return &Listener{Listener: l, fault: f}
}

// Set changes the fault of the connections that are accepted from now on, and of
// the requests that come on those there are. Safe for concurrent use.
func (l *Listener) Set(f Fault) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.fault = f
}

// Cut breaks every WebSocket there is. Safe for concurrent use.
func (l *Listener) Cut() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, c := range l.conns {
		if c.upgraded.Load() {
			_ = c.Conn.Close()
		}
	}
}

// Accept waits for the next connection.
func (l *Listener) Accept() (net.Conn, error) {
	inner, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	c := newConn(l, inner, l.fault)
	l.conns = append(l.conns, c)
	return c, nil
}

func (l *Listener) forget(c *conn) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.conns = slices.DeleteFunc(l.conns, func(x *conn) bool { return x == c })
}

func (l *Listener) now() Fault {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.fault
}
