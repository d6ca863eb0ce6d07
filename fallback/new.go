package fallback

import (
	"context"
	"log/slog"
	"sync"
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
			return alone(p, s, h, socket, transport.WebSocket)
		case LongPollingOnly:
			return alone(p, s, h, http, transport.LongPolling)
		}
		return newValve(p, s, h, w.pathKey.get, socket, http) // Auto and WebSocketFirst
	}
}

// alone opens one pipe and tells when it serves.
func alone(p Policy, s *transport.SessionConfig, h transport.Handler, open transport.Opener, kind string) transport.Transport {
	return open(s, &firstAnswerHandler{Handler: h, onFirst: sync.OnceFunc(func() {
		p.announce(s, Decision{Transport: kind, To: kind, Reason: ReasonFirst})
	})})
}

// A firstAnswerHandler is the Handler of a pipe that there is no choice about.
type firstAnswerHandler struct {
	transport.Handler
	onFirst func()
}

// Receive tells of the first answer.
func (t *firstAnswerHandler) Receive(id transport.LegID, ms []bayeux.Message) {
	t.onFirst()
	t.Handler.Receive(id, ms)
}

// announce logs a decision and tells it.
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
