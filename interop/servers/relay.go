package servers

import (
	"io"
	"net"
	"sync"
	"time"
)

// A Relay is a network between clients and a server: it passes connections on
// until it is cut, and again when it is mended.
type Relay struct {
	l       net.Listener
	target  string
	latency time.Duration // of every byte, either way
	wg      sync.WaitGroup
	mu      sync.Mutex
	conns   map[net.Conn]struct{}
	cut     bool
}

// NewRelay begins to pass connections on to the server.
func (s *Server) NewRelay() (*Relay, error) { return NewRelay(s.Addr(), 0) }

// NewRelay begins to pass connections on to an address. Every byte takes as
// long as latency says; to connect takes no time.
func NewRelay(target string, latency time.Duration) (*Relay, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	r := &Relay{l: l, target: target, latency: latency, conns: map[net.Conn]struct{}{}}
	r.wg.Go(r.accept)
	return r, nil
}

// Addr is where clients connect to.
func (r *Relay) Addr() string { return r.l.Addr().String() }

// Cut breaks every connection, and each new one at once.
func (r *Relay) Cut() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.cut = true
	for c := range r.conns {
		_ = c.Close()
	}
}

// Mend ends what Cut began.
func (r *Relay) Mend() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.cut = false
}

// Close cuts the relay for good, and waits for its goroutines.
func (r *Relay) Close() {
	_ = r.l.Close()
	r.Cut()
	r.wg.Wait()
}

func (r *Relay) accept() {
	for {
		in, err := r.l.Accept()
		if err != nil {
			return
		}
		r.wg.Go(func() { r.pass(in) })
	}
}

// pass joins a connection with one to the server until either ends.
func (r *Relay) pass(in net.Conn) {
	defer r.forget(in)
	if !r.know(in) {
		return
	}
	out, err := net.Dial("tcp", r.target)
	if err != nil {
		return
	}
	defer r.forget(out)
	if !r.know(out) {
		return
	}
	var back sync.WaitGroup
	back.Go(func() {
		r.copy(in, out)
		_ = in.Close()
	})
	r.copy(out, in)
	_ = out.Close()
	back.Wait()
}

// copy passes bytes on, each when its time has come.
func (r *Relay) copy(to io.Writer, from io.Reader) {
	if r.latency == 0 {
		_, _ = io.Copy(to, from)
		return
	}
	type chunk struct {
		b  []byte
		at time.Time
	}
	way := make(chan chunk, 1024)
	var reader sync.WaitGroup
	reader.Go(func() {
		defer close(way)
		for {
			b := make([]byte, 16<<10)
			n, err := from.Read(b)
			if err != nil {
				return
			}
			way <- chunk{b[:n], time.Now().Add(r.latency)}
		}
	})
	var broken error
	for c := range way {
		time.Sleep(time.Until(c.at))
		if broken == nil {
			_, broken = to.Write(c.b)
		}
	}
	reader.Wait()
}

// know registers a connection, and reports whether it may live.
func (r *Relay) know(c net.Conn) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.cut {
		return false
	}
	r.conns[c] = struct{}{}
	return true
}

func (r *Relay) forget(c net.Conn) {
	_ = c.Close()
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.conns, c)
}
