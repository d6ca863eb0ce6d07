package longpoll

import (
	"context"
	"errors"
	"log/slog"
	"runtime"
	"time"

	"github.com/turold/turold/transport"
)

// exchange is one leg: a draw, a POST, its answer, the end. It reports whether
// there was something to draw.
func (p *pipe) exchange(lane transport.Lane) bool {
	leg := transport.Leg{
		ID:    transport.NewLegID(),
		Type:  transport.LongPolling,
		Once:  true,
		Hold:  transport.DefaultHold,
		Limit: p.batchLimit(),
	}
	// Before the draw: the Handler may cut the leg as soon as it has given to it.
	t := new(trace)
	ctx, cancel := p.startLeg(lane, leg.ID, t)
	if ctx == nil {
		return false
	}
	defer p.endLeg(lane)
	batch := p.h.Next(lane, leg)
	if len(batch) == 0 {
		return false
	}
	start := time.Now()
	ms, err := p.post(ctx, cancel, t, batch)
	if len(ms) > 0 && context.Cause(ctx) == nil {
		p.h.Receive(leg.ID, ms)
		runtime.Gosched() // the goroutine that Receive woke goes before the next request, which costs as much as this answer did
	}
	p.endLeg(lane)
	if cause := context.Cause(ctx); !errors.Is(cause, errExchangeOver) {
		err = &transport.Error{Op: "cut", Unsent: err != nil && err.Unsent, Err: cause}
	}
	p.log(lane, err, len(ms), time.Since(start))
	p.h.End(leg.ID, err)
	return true
}

// startLeg returns the context of a leg, which Cut cancels with its cause; nil if the
// pipe is closed.
func (p *pipe) startLeg(lane transport.Lane, id transport.LegID, t *trace) (context.Context, context.CancelCauseFunc) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return nil, nil
	}
	ctx, cancel := context.WithCancelCause(context.Background())
	l := &p.lanes[lane]
	l.leg, l.trace, l.cancel = id, t, cancel
	return ctx, cancel
}

// endLeg ends the time in which the leg can be cut. The cause of an earlier Cut stays
// that of the context.
func (p *pipe) endLeg(lane transport.Lane) {
	p.mu.Lock()
	l := &p.lanes[lane]
	cancel := l.cancel
	l.leg, l.trace, l.cancel = 0, nil, nil
	p.mu.Unlock()
	if cancel != nil {
		cancel(errExchangeOver)
	}
}

func (p *pipe) log(lane transport.Lane, err *transport.Error, n int, took time.Duration) {
	level := slog.LevelDebug
	if !p.config.Logger.Enabled(context.Background(), level) {
		return
	}
	attrs := []slog.Attr{slog.Int("lane", int(lane)), slog.Int("messages", n), slog.Duration("took", took)}
	if err != nil {
		attrs = append(attrs, slog.Any("err", err))
	}
	p.config.Logger.LogAttrs(context.Background(), level, "long-polling exchange", attrs...)
}
