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

// Listen wraps a listener: f applies to the connections that it accepts, until Set.
func Listen(l net.Listener, f Fault) *Listener {
	return &Listener{Listener: l, fault: f}
}

// Set changes the Fault of the connections that are accepted from now on, and of new
// requests on those that are open. Safe for concurrent use.
func (l *Listener) Set(f Fault) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.fault = f
}

// Cut closes every WebSocket that is open. Safe for concurrent use.
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

func (l *Listener) currentFault() Fault {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.fault
}
