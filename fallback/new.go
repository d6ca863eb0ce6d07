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
func New(p Policy, socket, http transport.Opener) transport.Opener {
	if p.Patience <= 0 {
		p.Patience = DefaultPatience
	}
	return func(s *transport.SessionConfig, h transport.Handler) transport.Transport {
		p := p
		if p.Memory == nil {
			p.Memory = new(Memory)
		}
		w := &watch{mem: p.Memory, route: route{s: s}}
		socket, http := w.over(onSocket, socket), w.over(onHTTP, http)
		switch p.Mode {
		case WebSocketOnly:
			return alone(p, s, h, socket, transport.WebSocket)
		case LongPollingOnly:
			return alone(p, s, h, http, transport.LongPolling)
		}
		return open(p, s, h, w.route.way, socket, http) // Auto and WebSocketFirst
	}
}

// alone opens one pipe and tells when it serves.
func alone(p Policy, s *transport.SessionConfig, h transport.Handler, open transport.Opener, kind string) transport.Transport {
	return open(s, &teller{Handler: h, tell: sync.OnceFunc(func() {
		p.tell(s, Decision{Transport: kind, To: kind, Reason: ReasonFirst})
	})})
}

// A teller is the Handler of a pipe that there is no choice about.
type teller struct {
	transport.Handler
	tell func()
}

// Receive tells of the first answer.
func (t *teller) Receive(id transport.LegID, ms []bayeux.Message) {
	t.tell()
	t.Handler.Receive(id, ms)
}

// tell logs a decision and tells it.
func (p Policy) tell(s *transport.SessionConfig, d Decision) {
	attrs := []slog.Attr{
		slog.String("transport", d.Transport), slog.String("from", d.From),
		slog.String("to", d.To), slog.String("reason", d.Reason),
	}
	if d.Err != nil {
		attrs = append(attrs, slog.Any("err", d.Err))
	}
	if !d.Next.IsZero() {
		attrs = append(attrs, slog.Duration("again", time.Until(d.Next).Round(time.Millisecond)))
	}
	s.Logger.LogAttrs(context.Background(), slog.LevelInfo, "transport", attrs...)
	if p.Decided != nil {
		p.Decided(d)
	}
}
