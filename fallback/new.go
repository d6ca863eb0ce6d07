package fallback

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/turold/turold/bayeux"
	"github.com/turold/turold/transport"
)

// New returns an Opener that chooses by p between the pipes that socket and
// http make. A pipe that the Mode excludes is never made. What the Opener makes
// is as safe for concurrent use as any Transport.
//
// onDecision is called with each Decision, one at a time and in their order, on a
// goroutine of a pipe; as a rule before the Handler gets what the new transport has
// brought. It must not block, and must not close the transport. Decisions are logged
// whether it is nil or not.
func New(p Policy, socket, http transport.Opener, onDecision func(Decision)) transport.Opener {
	p.onDecision = onDecision
	if p.Patience <= 0 {
		p.Patience = DefaultPatience
	}
	return func(s *transport.SessionConfig, h transport.Handler) transport.Transport {
		p := p
		if p.Memory == nil {
			p.Memory = new(Memory)
		}
		w := &learner{mem: p.Memory, pathKey: pathKeyCache{s: s}}
		socket, http := w.wrap(socketPipe, socket), w.wrap(httpPipe, http)
		switch p.Mode {
		case WebSocketOnly:
			return alone(p, s, h, socket)
		case LongPollingOnly:
			return alone(p, s, h, http)
		}
		return newValve(p, s, h, w.pathKey.get, socket, http) // Auto and WebSocketFirst
	}
}

// alone opens one pipe, and announces it when it answers.
func alone(p Policy, s *transport.SessionConfig, h transport.Handler, open transport.Opener) transport.Transport {
	return open(s, &firstAnswerHandler{Handler: h, p: p, s: s})
}

// A firstAnswerHandler is the Handler of the only pipe.
type firstAnswerHandler struct {
	transport.Handler
	p        Policy
	s        *transport.SessionConfig
	name     atomic.Pointer[string] // the connectionType of the first leg that asked
	announce sync.Once
}

// Next notes what the transport is called.
func (f *firstAnswerHandler) Next(lane transport.Lane, leg transport.Leg) []bayeux.Message {
	if f.name.Load() == nil {
		f.name.CompareAndSwap(nil, new(leg.Type))
	}
	return f.Handler.Next(lane, leg)
}

// Receive announces the first answer.
func (f *firstAnswerHandler) Receive(id transport.LegID, ms []bayeux.Message) {
	if name := f.name.Load(); name != nil {
		f.announce.Do(func() { f.p.announce(f.s, Decision{Transport: *name, To: *name, Reason: ReasonFirst}) })
	}
	f.Handler.Receive(id, ms)
}

// announce logs a decision, and calls onDecision with it.
func (p Policy) announce(s *transport.SessionConfig, d Decision) {
	attrs := []slog.Attr{
		slog.String("transport", d.Transport), slog.String("from", d.From),
		slog.String("to", d.To), slog.String("reason", string(d.Reason)),
	}
	if d.Err != nil {
		attrs = append(attrs, slog.Any("err", d.Err))
	}
	if !d.Next.IsZero() {
		attrs = append(attrs, slog.Duration("again", time.Until(d.Next).Round(time.Millisecond)))
	}
	s.Logger.LogAttrs(context.Background(), slog.LevelInfo, "transport", attrs...)
	if p.onDecision != nil {
		p.onDecision(d)
	}
}
