package longpoll

import (
	"context"
	"net/http"
	"sync"

	"github.com/turold/turold/internal/wire"
	"github.com/turold/turold/transport"
)

// A pipe is the long-polling of one session.
type pipe struct {
	config       *transport.SessionConfig
	h            transport.Handler
	limits       transport.Limits
	roundTripper http.RoundTripper
	ownPool      *http.Transport // the same, if the SharedConfig has none

	wg sync.WaitGroup // a goroutine a running lane

	mu     sync.Mutex
	closed bool
	lanes  [2]lane
	limit  wire.BatchLimit // as learnt
}

// A lane has at most one leg that is out.
type lane struct {
	wakes  wire.Wakes
	leg    transport.LegID // zero: none is out
	trace  *trace
	cancel context.CancelCauseFunc
}

// Open is a [transport.Opener]. If the SharedConfig has no RoundTripper, the pipe
// has connections of its own, which Close closes.
func Open(s *transport.SessionConfig, h transport.Handler) transport.Transport {
	p := &pipe{
		config: s, h: h,
		limits:       s.Shared.Limits.WithDefaults(),
		roundTripper: s.Shared.RoundTripper,
		limit:        transport.HTTPLimit,
	}
	if p.roundTripper == nil {
		p.ownPool = NewRoundTripper(s.Shared)
		p.roundTripper = p.ownPool
	}
	return p
}

// Types is long-polling alone.
func (p *pipe) Types() []string { return []string{transport.LongPolling} }

// Drain does nothing: an exchange draws once and ends by itself.
func (p *pipe) Drain(transport.LegID) {}

// Check does nothing: an exchange cannot be asked.
func (p *pipe) Check() {}

// Wake makes a goroutine draw on the lane until the Handler has nothing more; then the
// goroutine ends.
func (p *pipe) Wake(lane transport.Lane) {
	p.mu.Lock()
	defer p.mu.Unlock()
	l := &p.lanes[lane]
	l.wakes.Add()
	if p.closed || !l.wakes.Start() {
		return
	}
	p.wg.Go(func() {
		for p.takeWakes(lane) {
			for p.exchange(lane) {
			}
		}
	})
}

// takeWakes takes the pending wake-ups of a lane, and reports whether its goroutine goes
// on.
func (p *pipe) takeWakes(lane transport.Lane) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.lanes[lane].wakes.Take(!p.closed)
}

// Cut cancels the request of the leg, and resets its connection, which delivers nothing
// more.
func (p *pipe) Cut(id transport.LegID, cause error) {
	if cause == nil {
		cause = context.Canceled
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, l := range p.lanes {
		if l.leg == id && id != 0 {
			l.trace.abandon()
			l.cancel(cause)
		}
	}
}

// Close cuts what is out and waits for both lanes.
func (p *pipe) Close() error {
	p.mu.Lock()
	p.closed = true
	for _, l := range p.lanes {
		if l.leg != 0 {
			l.cancel(transport.ErrClosed)
		}
	}
	p.mu.Unlock()
	p.wg.Wait()
	if p.ownPool != nil {
		p.ownPool.CloseIdleConnections()
	}
	return nil
}
