package websocket

import (
	"context"
	"sync"
	"time"

	"github.com/turold/turold/internal/wire"
	"github.com/turold/turold/transport"
)

const (
	openTime  = 10 * time.Second // from the dial to the 101
	writeTime = 10 * time.Second // for a batch
	checkTime = 3 * time.Second  // for the pong that Check asks for, at most
	drainTime = time.Second      // from the close frame to the server's

	// large is the size from which a batch may be what a connection died of, if
	// it was the last thing that happened on it: some proxies reset what they
	// find too large.
	large = 8 << 10
)

// A pipe is the WebSocket of one session.
type pipe struct {
	s      *transport.SessionConfig
	h      transport.Handler
	limits transport.Limits
	every  time.Duration // between pings: by default less than half the hold of a connect
	answer time.Duration // for a pong
	wg     sync.WaitGroup

	mu     sync.Mutex // guards what is below, and the state of every socket
	closed bool
	limit  wire.BatchLimit
	cur    *socket   // the one that draws; nil: the next Wake dials
	all    []*socket // those that have not ended: one, as a rule
}

// Open is a [transport.Opener].
func Open(s *transport.SessionConfig, h transport.Handler) transport.Transport {
	silence := s.Shared.LongestSilence()
	return &pipe{
		s: s, h: h,
		limits: s.Shared.Limits.WithDefaults(),
		every:  silence - silence/3,
		answer: silence / 3,
		limit:  transport.SocketLimit,
	}
}

// Types is websocket alone.
func (p *pipe) Types() []string { return []string{transport.WebSocket} }

// Wake has the socket draw, or dials one that will. Both lanes are drawn at
// each wake, commands first.
func (p *pipe) Wake(transport.Lane) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case p.closed:
	case p.cur != nil:
		p.cur.wake()
	default:
		ctx, cancel := context.WithTimeout(context.Background(), openTime)
		k := &socket{p: p, id: transport.NewLegID(), cancel: cancel}
		k.wakes.Add()
		p.cur, p.all = k, append(p.all, k)
		p.wg.Go(func() { k.open(ctx) })
	}
}

// find returns nil if the leg has ended. Called with p.mu held.
func (p *pipe) find(id transport.LegID) *socket {
	for _, k := range p.all {
		if k.id == id {
			return k
		}
	}
	return nil
}

// Cut ends a leg now.
func (p *pipe) Cut(id transport.LegID, cause error) {
	if cause == nil {
		cause = context.Canceled
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if k := p.find(id); k != nil {
		k.fail("cut", cause)
	}
}

// Check pings every open socket.
func (p *pipe) Check() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, k := range p.all {
		k.check()
	}
}

// Drain sends the close frame after what was drawn, and reads on until the
// server's.
func (p *pipe) Drain(id transport.LegID) {
	p.mu.Lock()
	defer p.mu.Unlock()
	k := p.find(id)
	switch {
	case k == nil || k.draining:
	case k.conn == nil:
		k.fail("drain", errNotOpen)
	default:
		k.drain()
	}
}

// Close cuts what is open or opening and waits for every goroutine.
func (p *pipe) Close() error {
	p.mu.Lock()
	p.closed = true
	for _, k := range p.all {
		k.fail("cut", transport.ErrClosed)
	}
	p.mu.Unlock()
	p.wg.Wait()
	return nil
}
