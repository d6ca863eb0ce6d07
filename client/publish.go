package client

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/turold/turold/bayeux"
)

// A Receipt tells what became of a message that Send or Batch took. Its methods
// are safe for concurrent use.
type Receipt struct{ p *op }

// Done is closed when the message is settled: it has an outcome.
func (r *Receipt) Done() <-chan struct{} { return r.p.done }

// Err returns ErrPending until the message is settled, and then its outcome as
// Publish returns it: nil if the server said successful, or an *OpError.
func (r *Receipt) Err() error {
	select {
	case <-r.p.done:
		return r.outcome()
	default:
		return ErrPending
	}
}

// Wait waits for the outcome and returns it as Err does. If the context ends first
// it returns an *OpError around the context's error, and Err returns ErrPending: the
// message goes on.
func (r *Receipt) Wait(ctx context.Context) error {
	select {
	case <-r.p.done:
		return r.outcome()
	case <-ctx.Done():
		return &OpError{Op: "publish", Channel: r.p.message.Channel, Err: context.Cause(ctx)}
	}
}

// outcome is that of a message that is settled.
func (r *Receipt) outcome() error {
	if r.p.err == nil {
		return nil
	}
	return &OpError{Op: "publish", Channel: r.p.message.Channel, Err: r.p.err}
}

// Publish sends data on a channel and waits for the server's answer. It
// returns nil only if the server said successful, or answered without that word and
// without an error, as before Bayeux 1.0. Otherwise the error is an
// *OpError around a *bayeux.Error if the server refused, or around an
// *OutcomeError, whose Sent tells whether the message may have arrived. An *OpError
// around neither means that the message cannot be sent at all: its channel is none to
// publish to, or its data is no JSON. If the context ends before the message was sent, it is never sent.
func (c *Client) Publish(ctx context.Context, ch bayeux.Channel, data any) error {
	_, err := c.sendAndWait(ctx, Draft{Channel: ch, Data: data}, false)
	if err != nil {
		return &OpError{Op: "publish", Channel: ch, Err: err}
	}
	return nil
}

// Call calls a remote procedure on the server: it sends args to /service/target and
// returns the reply that carries data and "successful". A target that begins with a
// slash is a channel's whole name. The errors are those of Publish, with Op call.
func (c *Client) Call(ctx context.Context, target string, args any) (bayeux.Message, error) {
	ch := bayeux.Channel(target)
	if !strings.HasPrefix(target, "/") {
		ch = bayeux.Channel("/service/" + target)
	}
	p, err := c.sendAndWait(ctx, Draft{Channel: ch, Data: args}, true)
	if err != nil {
		return bayeux.Message{}, &OpError{Op: "call", Channel: ch, Err: err}
	}
	return p.reply, nil
}

// sendAndWait sends one message and waits for its outcome.
func (c *Client) sendAndWait(ctx context.Context, d Draft, call bool) (*op, error) {
	ops, err := c.send(ctx, []Draft{d}, true, call)
	if err != nil {
		return nil, err
	}
	p := ops[0]
	select {
	case <-p.done:
		return p, p.err
	case <-ctx.Done():
	}
	c.step(func(fx *effects) {
		p.abandoned = true
		if c.outbox.unqueue(p) {
			c.settleUnanswered(fx, p, context.Cause(ctx))
		}
	})
	select {
	case <-p.done:
		return p, p.err
	default:
		return nil, &OutcomeError{Sent: true, Err: context.Cause(ctx)}
	}
}

// Send puts a message into the outbox and returns without waiting for the answer.
// If the outbox is full it waits for room, as long as the context allows, and only
// for that the context is used. Messages are sent in the order of the calls, several
// at a time.
func (c *Client) Send(ctx context.Context, d Draft) (*Receipt, error) {
	rs, err := c.Batch(ctx, d)
	if err != nil {
		return nil, err
	}
	return rs[0], nil
}

// Batch is Send for several messages: they are sent in their order with none
// between them, in one frame or request if one holds them all. Either all are
// taken or none.
func (c *Client) Batch(ctx context.Context, drafts ...Draft) ([]*Receipt, error) {
	ops, err := c.send(ctx, drafts, false, false)
	if err != nil {
		op := &OpError{Op: "publish", Err: err}
		if len(drafts) == 1 {
			op.Channel = drafts[0].Channel
		}
		return nil, op
	}
	rs := make([]*Receipt, len(ops))
	for i, p := range ops {
		rs[i] = &Receipt{p}
	}
	return rs, nil
}

// send puts messages into the outbox, when there is room. If the caller awaits
// their outcomes, Flush need not tell them.
func (c *Client) send(ctx context.Context, drafts []Draft, awaited, call bool) ([]*op, error) {
	ms := make([]bayeux.Message, len(drafts))
	size := 0
	for i, d := range drafts {
		m, err := c.compose(d)
		if err != nil {
			return nil, err
		}
		ms[i] = m
		size += m.Size()
	}
	for {
		ops, room, err := c.offer(ctx, ms, drafts, size, awaited, call)
		if room == nil {
			return ops, err
		}
		select {
		case <-room:
		case <-c.done:
		case <-ctx.Done():
			return nil, &OutcomeError{Err: context.Cause(ctx)}
		}
	}
}

// offer puts messages into the outbox, or returns what to wait for until
// there is room.
func (c *Client) offer(ctx context.Context, ms []bayeux.Message, drafts []Draft, size int, awaited, call bool) (ops []*op, room chan struct{}, err error) {
	if ctx.Err() != nil {
		return nil, nil, &OutcomeError{Err: context.Cause(ctx)}
	}
	err = &OutcomeError{Err: ErrClosed}
	c.step(func(fx *effects) {
		if why := c.whyRefused(); why != nil {
			err = &OutcomeError{Err: why}
			return
		}
		err = nil
		if !c.outbox.hasRoom(len(ms), size, c.options.Outbox) {
			room = c.outbox.freed()
			return
		}
		together := new(group)
		for i := range ms {
			p := c.outbox.newOp(ms[i])
			p.repeatable, p.call, p.awaited = drafts[i].AtLeastOnce, call, awaited
			if len(ms) > 1 {
				p.group = together
				together.size += p.size
			}
			c.outbox.count(p)
			ops = append(ops, p)
			c.enqueue(fx, p)
		}
	})
	if err != nil && c.Err() != nil {
		err = &OutcomeError{Err: c.Err()}
	}
	return ops, room, err
}

// compose makes the message of a draft.
func (c *Client) compose(d Draft) (m bayeux.Message, err error) {
	if err := c.checkChannel(d.Channel); err != nil {
		return m, err
	}
	if d.Channel.Wild() {
		return m, fmt.Errorf("client: %s is a pattern", d.Channel)
	}
	m.Channel = d.Channel
	if m.Data, err = marshal(d.Data); err != nil {
		return m, err
	}
	if d.Ext != nil {
		m.Ext, err = marshal(d.Ext)
	}
	return m, err
}

// marshal is json.Marshal, except that JSON which is ready goes byte for byte.
func marshal(v any) (json.RawMessage, error) {
	if raw, ok := v.(json.RawMessage); ok {
		if !bayeux.ValidValue(raw) {
			return nil, errors.New("client: the raw message is not JSON in UTF-8")
		}
		return bytes.Clone(raw), nil
	}
	b, err := json.Marshal(v)
	if err == nil && !utf8.Valid(b) { // by a Marshaler
		return nil, errors.New("client: what the value marshals itself to is not UTF-8")
	}
	return b, err
}

// Flush waits until every message that was sent before is settled. It returns the
// first outcome that is an error, in the order of sending, of the messages that Send and
// Batch took since the last Flush, also if it was settled before this call. If the
// context ends first Flush returns its error, and the next Flush returns that outcome.
// What Publish and Call return, Flush does not return again. The client has one such
// record: of several goroutines that flush, an error is returned to those whose Flush is
// under way when the first of them returns it. Each Receipt has the outcome of its own
// message.
func (c *Client) Flush(ctx context.Context) error {
	first, newest, err := c.awaitSettled(ctx)
	if err != nil {
		return err
	}
	c.mu.Lock()
	c.outbox.forgetFailures(newest)
	c.mu.Unlock()
	if first.err == nil {
		return nil
	}
	return &OpError{Op: "publish", Channel: first.channel, Err: first.err}
}

// awaitSettled waits until all that was sent before is settled. It returns the first
// failure among it that no Flush has returned, and the order of the newest.
func (c *Client) awaitSettled(ctx context.Context) (first failure, newest uint64, err error) {
	c.mu.Lock()
	newest = c.outbox.lastOrder
	if c.outbox.unflushed != nil {
		first = c.outbox.unflushed.first
	}
	ops := make([]*op, 0, c.outbox.unsettled())
	ops = append(ops, c.outbox.queue...)
	for _, p := range c.outbox.pending {
		ops = append(ops, p)
	}
	c.mu.Unlock()
	for _, p := range ops {
		if !p.counted {
			continue
		}
		select {
		case <-p.done:
		case <-ctx.Done():
			return first, newest, context.Cause(ctx)
		}
		if p.err != nil && !p.awaited && (first.err == nil || p.order < first.order) {
			first = failure{p.order, p.message.Channel, p.err}
		}
	}
	return first, newest, nil
}

// unflushed is the failures of what was sent since the last Flush: the first, and the last, which
// stands for those between once the first was told.
type unflushed struct{ first, last failure }

// A failure is an outcome that is an error.
type failure struct {
	order   uint64 // of the message
	channel bayeux.Channel
	err     error
}

// recordFailure takes down an outcome for the next Flush.
func (o *outbox) recordFailure(f failure) {
	switch u := o.unflushed; {
	case u == nil:
		o.unflushed = &unflushed{f, f}
	case f.order < u.first.order:
		u.first = f
	case f.order > u.last.order:
		u.last = f
	}
}

// forgetFailures forgets the failures up to the order of a message.
func (o *outbox) forgetFailures(order uint64) {
	switch u := o.unflushed; {
	case u == nil:
	case u.last.order <= order:
		o.unflushed = nil
	case u.first.order <= order:
		u.first = u.last
	}
}
