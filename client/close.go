package client

import (
	"cmp"
	"context"

	"github.com/turold/turold/bayeux"
)

// stop ends the client for good. What still runs of the transport is closed
// after the step.
func (c *Client) stop(e *fx, why error) {
	c.turn(e, Closed, why)
	c.err = why
	close(c.done)
	c.end()
	c.out.requests = nil
	for _, p := range c.out.pending {
		p.sent = true
		c.unanswered(e, p, why)
	}
	for _, p := range c.out.queue {
		c.unanswered(e, p, why)
	}
	c.out.queue = nil
	for t := range c.topics.all() {
		for _, s := range t.subs {
			s.finish(why)
		}
	}
	c.topics = topics{}
	c.legs.Clear()
	e.tell(func() { go c.shut() })
}

// shut closes the transport, once; every caller waits for it.
func (c *Client) shut() {
	c.shutOnce.Do(func() {
		_ = c.t.Close()
		c.d.forget(c)
	})
}

// Close ends the session without a word to the server, which keeps it until
// it expires; Disconnect says goodbye. What is not settled is settled with an
// *OutcomeError, subscriptions end with ErrClosed once their queues are empty.
// It returns when no connection and no goroutine of the client is left,
// the Credentials hook excepted, whose context ends; within 100 ms whatever
// the network does. It may be called again, and returns nil.
func (c *Client) Close() error {
	c.step(func(e *fx) { c.stop(e, ErrClosed) })
	c.shut()
	if c.owned {
		c.d.Close()
	}
	return nil
}

// Disconnect sends what is in the outbox and then /meta/disconnect, waits for
// the answer, and closes the client. It waits no longer than the context and
// NetworkDelay allow, and not at all if there is no session or no connection;
// the error, an *OpError, says then that the server may not know. On a client
// that is closed it does nothing and returns nil. From its call on, everything
// new is refused with ErrClosed.
func (c *Client) Disconnect(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, c.o.NetworkDelay)
	defer cancel()
	var p *op
	var err error
	c.step(func(e *fx) {
		switch {
		case c.leaving != nil:
		case c.id == "" || !c.failures.until.IsZero():
			err = &OutcomeError{Err: cmp.Or(c.cause, errNoSession)}
		default:
			c.leaving = c.newOp(bayeux.Message{Channel: bayeux.MetaDisconnect})
			c.push(e, c.leaving)
			c.turn(e, Disconnecting, nil)
		}
		p = c.leaving
	})
	if p != nil {
		select {
		case <-p.done:
			err = p.err
		case <-ctx.Done():
			err = context.Cause(ctx)
		}
	}
	_ = c.Close()
	if err != nil {
		return &OpError{Op: "disconnect", Err: err}
	}
	return nil
}
