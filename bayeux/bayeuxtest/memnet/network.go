package memnet

import (
	"context"
	"errors"
	"net"
	"os"
	"slices"
	"sync"
	"syscall"
	"time"
)

// A Network is a set of addresses and the connections to them. [New] makes one,
// inside the bubble in which it is used. Its methods, listeners and connections
// are safe for concurrent use. Nothing has to be closed but listeners and
// connections: a Network has no goroutine.
type Network struct {
	mu      sync.Mutex
	latency time.Duration
	hosts   map[string]*host
}

// A host is what is known of one address.
type host struct {
	listener *listener
	refuse   bool
	hole     bool
	up, down bool // stalled
	dials    int
	sent     [2]meter // up, down
	conns    []*conn  // the client's ends, in the order in which they were opened
	left     []*conn  // those closed while it was stalled: what they wrote, and their end, arrives later
}

// New returns a Network without latency and without faults, on which no address
// is listened on.
func New() *Network { return &Network{hosts: map[string]*host{}} }

// host is called with n.mu held.
func (n *Network) host(addr string) *host {
	h := n.hosts[addr]
	if h == nil {
		h = new(host)
		n.hosts[addr] = h
	}
	return h
}

// Listen listens on an address. Where another listener does, the error wraps
// syscall.EADDRINUSE; once that one is closed the address is free again. The
// listener's Close resets the connections that it has not accepted, and leaves
// the others alone.
func (n *Network) Listen(addr string) (net.Listener, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	h := n.host(addr)
	if h.listener != nil {
		return nil, &net.OpError{Op: "listen", Net: "mem", Addr: Addr(addr), Err: syscall.EADDRINUSE}
	}
	h.listener = &listener{n: n, addr: addr, accept: make(chan net.Conn, 128), done: make(chan struct{})}
	return h.listener, nil
}

// SetLatency sets how long one way takes, on all addresses, from now on: what is
// written arrives so much later, and a dial takes twice as long, one way and
// back. Zero, which is the default, is no time. Bytes stay in their order when
// it shrinks.
func (n *Network) SetLatency(oneWay time.Duration) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.latency = oneWay
}

func (n *Network) delay() time.Duration {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.latency
}

// Refuse has new connections to an address refused (true), as they are where no
// listener is, or accepted again (false). Connections there are stay whole.
func (n *Network) Refuse(addr string, on bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.host(addr).refuse = on
}

// BlackHole has new connections to an address hang until their context ends
// (true), or be opened again (false). Dials that hang already go on hanging.
func (n *Network) BlackHole(addr string, on bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.host(addr).hole = on
}

// Stall holds back what goes to an address (up), or comes from it (down), on the
// connections there are and on new ones. What was held back arrives when Stall is
// called with false for that direction, the ends of connections that were closed
// meanwhile included.
func (n *Network) Stall(addr string, up, down bool) {
	n.mu.Lock()
	h := n.host(addr)
	h.up, h.down = up, down
	conns := slices.Concat(h.conns, h.left)
	if !up && !down {
		h.left = nil
	}
	n.mu.Unlock()
	for _, c := range conns {
		c.w.hold(up)
		c.r.hold(down)
	}
}

// Reset breaks every connection to an address, as a RST does: reads and writes
// fail at both ends at once with syscall.ECONNRESET, and what is on its way is
// lost. It returns how many connections there were. New ones are whole.
func (n *Network) Reset(addr string) int {
	n.mu.Lock()
	conns := slices.Clone(n.host(addr).conns)
	n.mu.Unlock()
	for _, c := range conns {
		c.reset()
	}
	return len(conns)
}

// Conns is how many connections to an address are open at the end that dialled,
// accepted or not.
func (n *Network) Conns(addr string) int {
	n.mu.Lock()
	defer n.mu.Unlock()
	return len(n.host(addr).conns)
}

// Dials is how often an address was dialled since the Network was made, in vain
// or not.
func (n *Network) Dials(addr string) int {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.host(addr).dials
}

// DialContext opens a connection, as [net.Dialer.DialContext] does; the network's
// name is ignored. It takes twice the latency. Where no listener is, and where
// one is closed or its 128 places are taken, the connection is refused: with an
// error that wraps syscall.ECONNREFUSED in the first two cases. When ctx ends
// before, the error wraps ctx.Err(). The local address is always "client:0".
func (n *Network) DialContext(ctx context.Context, _, addr string) (net.Conn, error) {
	fail := func(err error) (net.Conn, error) {
		return nil, &net.OpError{Op: "dial", Net: "mem", Addr: Addr(addr), Err: err}
	}
	n.mu.Lock()
	h := n.host(addr)
	h.dials++
	hole, latency := h.hole, n.latency
	n.mu.Unlock()
	if hole {
		<-ctx.Done()
		return fail(ctx.Err())
	}
	if err := sleep(ctx, 2*latency); err != nil {
		return fail(err)
	}
	c, err := n.connect(addr)
	if err != nil {
		return fail(err)
	}
	return c, nil
}

func sleep(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (n *Network) connect(addr string) (net.Conn, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	h := n.host(addr)
	up, down := newHalf(n.delay, h.meter(true)), newHalf(n.delay, h.meter(false))
	c := &conn{r: down, w: up, local: "client:0", remote: Addr(addr)}
	s := &conn{r: up, w: down, local: Addr(addr), remote: "client:0"}
	up.cut = func(how Cut) { c.cut(up, how) }
	down.cut = func(how Cut) { c.cut(down, how) }
	if h.listener == nil || h.refuse {
		return nil, os.NewSyscallError("connect", syscall.ECONNREFUSED)
	}
	up.held, down.held = h.up, h.down
	c.closed = func() {
		n.mu.Lock()
		defer n.mu.Unlock()
		h.conns = slices.DeleteFunc(h.conns, func(x *conn) bool { return x == c })
		if h.up || h.down {
			h.left = append(h.left, c)
		}
	}
	select {
	case h.listener.accept <- s:
		h.conns = append(h.conns, c)
		return c, nil
	default:
		return nil, os.NewSyscallError("connect", errors.New("the listener's backlog is full"))
	}
}

type listener struct {
	n      *Network
	addr   string
	accept chan net.Conn
	done   chan struct{}
	once   sync.Once
}

func (l *listener) Accept() (net.Conn, error) {
	select {
	case c := <-l.accept:
		return c, nil
	case <-l.done:
		return nil, &net.OpError{Op: "accept", Net: "mem", Addr: l.Addr(), Err: net.ErrClosed}
	}
}

// Close stops listening; connections that were not accepted are reset.
func (l *listener) Close() error {
	l.once.Do(func() {
		l.n.mu.Lock()
		if h := l.n.host(l.addr); h.listener == l {
			h.listener = nil
		}
		l.n.mu.Unlock()
		close(l.done)
		for {
			select {
			case c := <-l.accept:
				c.(*conn).reset()
				continue
			default:
			}
			return
		}
	})
	return nil
}

func (l *listener) Addr() net.Addr { return Addr(l.addr) }

// An Addr is an address of a [Network], as it was given to Listen or DialContext.
type Addr string

// Network returns "mem".
func (Addr) Network() string { return "mem" }

// String returns the address itself.
func (a Addr) String() string { return string(a) }
