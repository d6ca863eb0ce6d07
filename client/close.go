package client

import (
	"cmp"
	"context"

	"github.com/turold/turold/bayeux"
)

// endForGood ends the client for good. What still runs of the transport is closed
// after the step.
func (c *Client) endForGood(fx *effects, why error) {
	c.setState(fx, StateClosed, why)
	c.err = why
	close(c.done)
	c.cancel()
	c.outbox.requests = nil
	for _, p := range c.outbox.pending {
		p.mayHaveArrived = true
		c.settleUnanswered(fx, p, why)
	}
	for _, p := range c.outbox.queue {
		c.settleUnanswered(fx, p, why)
	}
	c.outbox.queue = nil
	for t := range c.topics.all() {
		for _, s := range t.subs {
			s.finish(why)
		}
	}
	c.topics = subscriptions{}
	c.legs.Clear()
	fx.then(func() { go c.closeTransport() })
}

// closeTransport closes the transport, once; every caller waits for it.
func (c *Client) closeTransport() {
	c.shutOnce.Do(func() {
		_ = c.transport.Close()
		c.dialer.forget(c)
	})
}

// Close ends the session without a word to the server, which keeps it until
// it expires; Disconnect says goodbye. What is not settled is settled with an
// *OutcomeError, subscriptions end with ErrClosed once their queues are empty.
// It returns when no connection and no goroutine of the client is left,
// the Credentials hook excepted, whose context ends; within 100 ms whatever
// the network does. It may be called again, and returns nil.
func (c *Client) Close() error {
	c.step(func(fx *effects) { c.endForGood(fx, ErrClosed) })
	c.closeTransport()
	if c.ownsDialer {
		return c.dialer.Close()
	}
	return nil
}

// Disconnect sends what is in the outbox and then /meta/disconnect, waits for
// the answer, and closes the client. It waits no longer than the context and
// NetworkDelay allow, and not at all if there is no session or no connection;
// the error, an *OpError, says then that the server may not know. On a client
// that is closed it does nothing and returns nil. From its call on, the client refuses
// everything new with ErrClosed. Drain does the same after what is queued was handled.
func (c *Client) Disconnect(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, c.options.NetworkDelay)
	defer cancel()
	var p *op
	var err error
	c.step(func(fx *effects) {
		switch {
		case c.disconnect != nil:
		case c.clientID == "" || c.backoff.pausing():
			err = &OutcomeError{Err: cmp.Or(c.cause, errNoSession)}
		default:
			c.disconnect = c.outbox.newOp(bayeux.Message{Channel: bayeux.MetaDisconnect})
			c.enqueue(fx, c.disconnect)
			c.setState(fx, StateDisconnecting, nil)
		}
		p = c.disconnect
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
