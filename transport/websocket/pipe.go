package websocket

import (
	"context"
	"sync"
	"time"

	"github.com/turold/turold/internal/wire"
	"github.com/turold/turold/transport"
)

const (
	openTimeout  = 10 * time.Second // from the dial to the 101
	writeTimeout = 10 * time.Second // for the write of a batch
	checkTimeout = 3 * time.Second  // for the pong that Check asks for, at most
	drainTimeout = time.Second      // from the close frame to the server's

	// suspectBatch is the size, in bytes, from which a batch counts as what a connection
	// died of, if it was the last thing that happened there: some proxies reset a
	// connection for a message that they find too large.
	suspectBatch = 8 << 10
)

// A pipe is the WebSocket of one session.
type pipe struct {
	config       *transport.SessionConfig
	h            transport.Handler
	limits       transport.Limits
	pingInterval time.Duration // between pings: by default less than half the hold of a connect
	pongTimeout  time.Duration // for a pong
	wg           sync.WaitGroup

	mu      sync.Mutex // guards what is below, and the state of every socket
	closed  bool
	limit   wire.BatchLimit // as learnt
	current *socket         // the one that draws; nil: the next Wake dials
	sockets []*socket       // those that have not ended: one, as a rule
}

// Open is a [transport.Opener].
func Open(s *transport.SessionConfig, h transport.Handler) transport.Transport {
	silence := s.Shared.LongestSilence()
	return &pipe{
		config: s, h: h,
		limits:       s.Shared.Limits.WithDefaults(),
		pingInterval: silence - silence/3,
		pongTimeout:  silence / 3,
		limit:        transport.SocketLimit,
	}
}

// Types is websocket alone.
func (p *pipe) Types() []string { return []string{transport.WebSocket} }

// Wake makes the socket draw, or dials one that will. The socket draws on both lanes at
// each wake-up, commands first.
func (p *pipe) Wake(transport.Lane) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case p.closed:
	case p.current != nil:
		p.current.wake()
	default:
		ctx, cancel := context.WithTimeout(context.Background(), openTimeout)
		k := &socket{p: p, id: transport.NewLegID(), cancel: cancel}
		k.wakes.Add()
		p.current, p.sockets = k, append(p.sockets, k)
		p.wg.Go(func() { k.open(ctx) })
	}
}

// find returns the socket of a leg, nil if the leg has ended. Called with p.mu held.
func (p *pipe) find(id transport.LegID) *socket {
	for _, k := range p.sockets {
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
	for _, k := range p.sockets {
		k.pingNow()
	}
}

// Drain sends the close frame after the batches that were drawn, and reads on until
// that of the server.
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
	for _, k := range p.sockets {
		k.fail("cut", transport.ErrClosed)
	}
	p.mu.Unlock()
	p.wg.Wait()
	return nil
}
