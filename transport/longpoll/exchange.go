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
	ctx, cancel := p.begin(lane, leg.ID, t)
	if ctx == nil {
		return false
	}
	defer p.finish(lane)
	batch := p.h.Next(lane, leg)
	if len(batch) == 0 {
		return false
	}
	start := time.Now()
	ms, err := p.post(ctx, cancel, t, batch)
	if len(ms) > 0 && context.Cause(ctx) == nil {
		p.h.Receive(leg.ID, ms)
		runtime.Gosched() // whom it woke goes before the next request, which costs as much as this answer did
	}
	p.finish(lane)
	if cause := context.Cause(ctx); !errors.Is(cause, errFinished) {
		err = &transport.Error{Op: "cut", Unsent: err != nil && err.Unsent, Err: cause}
	}
	p.log(lane, err, len(ms), time.Since(start))
	p.h.End(leg.ID, err)
	return true
}

// begin returns the context of a leg, which is cancelled with the cause of its
// Cut; nil if the pipe is closed.
func (p *pipe) begin(lane transport.Lane, id transport.LegID, t *trace) (context.Context, context.CancelCauseFunc) {
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

// finish ends the time in which the leg can be cut. If it was cut before, that
// stays the cause of its context.
func (p *pipe) finish(lane transport.Lane) {
	p.mu.Lock()
	l := &p.lanes[lane]
	cancel := l.cancel
	l.leg, l.trace, l.cancel = 0, nil, nil
	p.mu.Unlock()
	if cancel != nil {
		cancel(errFinished)
	}
}

func (p *pipe) log(lane transport.Lane, err *transport.Error, n int, took time.Duration) {
	level := slog.LevelDebug
	if !p.s.Logger.Enabled(context.Background(), level) {
		return
	}
	attrs := []slog.Attr{slog.Int("lane", int(lane)), slog.Int("messages", n), slog.Duration("took", took)}
	if err != nil {
		attrs = append(attrs, slog.Any("err", err))
	}
	p.s.Logger.LogAttrs(context.Background(), level, "long-polling exchange", attrs...)
}
