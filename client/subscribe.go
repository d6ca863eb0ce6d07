package client

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"

	"github.com/turold/turold/bayeux"
	"github.com/turold/turold/internal/mono"
)

// Subscribe subscribes to a channel or pattern and returns when the server
// accepted it; every event after that is queued. The subscription lasts as long as the
// client: each new session subscribes anew. The same channel may be subscribed to more
// than once: the server sees one subscription, and each Subscription gets every event,
// also one whose channel the server writes with a slash at the end or a doubled one. A
// refusal is an *OpError around a *bayeux.Error. If ctx ends first the subscription is
// withdrawn.
func (c *Client) Subscribe(ctx context.Context, ch bayeux.Channel, o *SubscribeOptions) (*Subscription, error) {
	if o == nil {
		o = new(SubscribeOptions)
	}
	ext, err := c.checkSubscribe(ch, o)
	if err != nil {
		return nil, &OpError{Op: "subscribe", Channel: ch, Err: err}
	}
	s := newSubscription(c, ch, o, false)
	p, err := c.addSubscription(s, ext)
	if err == nil && p != nil {
		err = c.awaitSubscribe(ctx, s, p)
	}
	if err != nil {
		return nil, &OpError{Op: "subscribe", Channel: ch, Err: err}
	}
	return s, nil
}

func (c *Client) checkSubscribe(ch bayeux.Channel, o *SubscribeOptions) (ext json.RawMessage, err error) {
	if err := cmp.Or(c.checkChannel(ch), o.check()); err != nil {
		return nil, err
	}
	if o.Ext != nil {
		return marshal(o.Ext)
	}
	return nil, nil
}

func (c *Client) checkChannel(ch bayeux.Channel) error {
	if ch.Meta() {
		return fmt.Errorf("client: %s is the protocol's own", ch)
	}
	return ch.Validate(c.options.ChannelChars)
}

// addSubscription registers s and returns what it must wait for; nil: nothing.
func (c *Client) addSubscription(s *Subscription, ext json.RawMessage) (p *op, err error) {
	err = ErrClosed
	c.step(func(fx *effects) {
		if err = c.whyRefused(); err != nil {
			return
		}
		t := c.topics.join(s)
		if s.local || t.subscribed {
			return
		}
		if p = c.outbox.pendingSubscribe(t.channel); p == nil {
			t.ext = ext
			p = c.sendSubscribe(fx, t)
		}
	})
	if err != nil && c.Err() != nil {
		err = c.Err()
	}
	return p, err
}

// awaitSubscribe waits for the server's word on s.
func (c *Client) awaitSubscribe(ctx context.Context, s *Subscription, p *op) error {
	select {
	case <-p.done:
		return p.err
	case <-ctx.Done():
		c.step(func(fx *effects) { c.removeSubscription(fx, s) })
		return context.Cause(ctx)
	}
}

// onSubscribeSettled handles the outcome of the newest subscribe for a channel. A refusal
// ends the subscriptions it was for; the others go on. If the server may have the
// channel all the same, for one try may have arrived, it is asked to leave it out.
func (c *Client) onSubscribeSettled(fx *effects, p *op, maybe bool) {
	t := c.topics.get(p.topic)
	if t == nil {
		return
	}
	c.reportOwedGap(fx, t)
	if p.err == nil {
		t.subscribed, t.known = true, true
		return
	}
	if maybe || t.subscribed {
		t.subscribed = false
		c.sendUnsubscribe(fx, t.channel)
	}
	err := &OpError{Op: "subscribe", Channel: t.channel, Err: p.err}
	for _, s := range c.topics.refuse(t) {
		s.finish(err)
	}
	if t.known {
		fx.then(func() { c.log.Warn("subscription ended", "channel", string(t.channel), "reason", err) })
	}
}

// reportUndone says, of a channel that the server has again, that it may have been
// without it.
func (c *Client) reportUndone(fx *effects, ch bayeux.Channel) {
	t := c.topics.get(ch)
	if t == nil || !t.subscribed {
		return
	}
	for _, s := range t.subs {
		if !s.local {
			c.putGap(fx, s, GapUnsubscribed)
		}
	}
}

// resubscribe asks a new session for every topic, one channel a message:
// Faye accepts half of an array and calls it a failure.
func (c *Client) resubscribe(fx *effects) {
	for t := range c.topics.all() {
		if t.remote() && c.outbox.pendingSubscribe(t.channel) == nil {
			c.sendSubscribe(fx, t)
		}
	}
}

// removeSubscription takes s out of its topic and returns the unsubscribe this needs; nil: none.
func (c *Client) removeSubscription(fx *effects, s *Subscription) *op {
	t, unwanted := c.topics.leave(s)
	if !unwanted {
		return nil
	}
	c.reportOwedGap(fx, t) // no answer will come that reports it to the local ones
	asked := t.subscribed
	t.subscribed = false
	unsubscribe, requested := c.outbox.abandonSubscribe(t.channel)
	if unsubscribe != nil {
		return unsubscribe
	}
	if !asked && !requested {
		c.review(fx, t.channel, mono.Now())
		return nil
	}
	return c.sendUnsubscribe(fx, t.channel)
}

// Listen is Subscribe without a request to the server: the Subscription gets what the
// server sends on the channel unasked, such as the answers of a /service channel.
func (c *Client) Listen(ch bayeux.Channel, o *SubscribeOptions) (*Subscription, error) {
	if o == nil {
		o = new(SubscribeOptions)
	}
	err := cmp.Or(c.checkChannel(ch), o.check())
	if err == nil {
		s := newSubscription(c, ch, o, true)
		if _, err = c.addSubscription(s, nil); err == nil {
			return s, nil
		}
	}
	return nil, &OpError{Op: "listen", Channel: ch, Err: err}
}

// Unsubscribe ends the subscription at once: nothing more is queued, and what
// is queued can still be pulled. The last one on a channel waits for the server's
// answer; the error is the server's, or why there is none. An unsubscribe without an
// answer is sent again, unless the application subscribed to the channel since.
func (s *Subscription) Unsubscribe(ctx context.Context) error {
	var p *op
	s.c.step(func(fx *effects) { p = s.c.removeSubscription(fx, s) })
	s.finish(ErrUnsubscribed)
	s.onUnsubscribed()
	if p == nil {
		return nil
	}
	select {
	case <-p.done:
		if p.err != nil {
			return &OpError{Op: "unsubscribe", Channel: s.channel, Err: p.err}
		}
		return nil
	case <-ctx.Done():
		return &OpError{Op: "unsubscribe", Channel: s.channel, Err: context.Cause(ctx)}
	}
}
