package client

import (
	"maps"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/turold/turold/transport"
)

// shared is what the sessions of a Dialer have in common.
type shared struct {
	once    sync.Once
	network *transport.SharedConfig

	mu       sync.Mutex
	clients  map[*Client]struct{}
	closed   bool
	draining bool
	hosts    map[string]*host
	watch    clockWatch

	last atomic.Pointer[address]

	handshakes, delayed, failures, delivered atomic.Uint64
}

// A host has what the sessions with one server share: they reserve a slot for each
// handshake, and in Drain one for their goodbye.
type host struct {
	limiter         handshakeLimiter
	disconnectSlots chan struct{} // holds one of each session that says goodbye
}

// host is the one of that name and port.
func (d *Dialer) host(name string) *host {
	s := &d.shared
	s.mu.Lock()
	defer s.mu.Unlock()
	h := s.hosts[name]
	if h == nil {
		if s.hosts == nil {
			s.hosts = map[string]*host{}
		}
		h = &host{disconnectSlots: make(chan struct{}, maxDisconnects)}
		s.hosts[name] = h
	}
	return h
}

func (d *Dialer) enlist(c *Client) error {
	s := &d.shared
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.draining:
		return ErrDraining
	case s.closed:
		return ErrClosed
	}
	if s.clients == nil {
		s.clients = map[*Client]struct{}{}
	}
	s.clients[c] = struct{}{}
	if len(s.clients) == 1 {
		d.watchClocks()
	}
	return nil
}

func (d *Dialer) forget(c *Client) {
	s := &d.shared
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.clients, c)
	if len(s.clients) == 0 && s.watch.timer != nil {
		s.watch.timer.Stop()
	}
}

func (d *Dialer) all() []*Client {
	s := &d.shared
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Collect(maps.Keys(s.clients))
}
