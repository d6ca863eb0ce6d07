package client

import (
	"github.com/turold/turold/bayeux"
	"github.com/turold/turold/internal/mono"
	"github.com/turold/turold/transport"
)

// maxBatchCommands bounds the commands in one frame or body.
const maxBatchCommands = 256

// enqueue puts an op into the outbox, behind all others.
func (c *Client) enqueue(fx *effects, p *op) {
	c.outbox.enqueue(p)
	fx.wake[transport.LaneCommands] = true
}

// enqueueRequest puts a subscribe or unsubscribe, m, into the outbox.
func (c *Client) enqueueRequest(fx *effects, ch bayeux.Channel, m bayeux.Message) *op {
	p, replaced := c.outbox.request(ch, m)
	if replaced != nil {
		c.settleUnanswered(fx, replaced, replaced.err)
	}
	fx.wake[transport.LaneCommands] = true
	return p
}

// sendSubscribe asks the server for a topic.
func (c *Client) sendSubscribe(fx *effects, t *topic) *op {
	return c.enqueueRequest(fx, t.channel, bayeux.Message{Channel: bayeux.MetaSubscribe, Ext: t.ext})
}

// sendUnsubscribe asks the server to leave a channel out.
func (c *Client) sendUnsubscribe(fx *effects, ch bayeux.Channel) *op {
	return c.enqueueRequest(fx, ch, bayeux.Message{Channel: bayeux.MetaUnsubscribe})
}

// drawCommands returns the messages of the ops that leave now.
func (c *Client) drawCommands(l transport.Leg, now mono.Time) (b []bayeux.Message) {
	// Their replies come in one batch, with events.
	most := min(maxBatchCommands, c.dialer.limits().Messages/2)
	if c.unnamed { // the replies to two that are out could not be told apart
		most = min(most, 1-min(len(c.outbox.pending), 1))
	}
	c.outbox.draw(l.Limit, most, func(p *op) {
		c.outbox.onSent(p, l.ID, now, now.Add(c.options.NetworkDelay))
		m := p.message
		m.Meta = &bayeux.Meta{ClientID: c.clientID}
		if p.topic != "" {
			m.Meta.Subscription = []bayeux.Channel{p.topic}
		}
		p.attempt = c.startAttempt(m, l.Type, now)
		b = append(b, m)
	})
	return b
}

// settle ends an op with what is known of it: nil, the server's refusal, or an
// *OutcomeError.
func (c *Client) settle(fx *effects, p *op, err error) {
	err = p.outcome(err)
	c.outbox.onSettled(p, err)
	if p.reply.Channel != "" {
		c.endAttempt(fx, p.attempt, p.message.Channel, &p.reply, err)
	} else {
		c.endAttempt(fx, p.attempt, p.message.Channel, nil, err)
	}
	if p.topic != "" {
		c.onRequestSettled(fx, p)
	}
	p.trim()
	c.outbox.free(p)
	close(p.done)
	fx.wake[transport.LaneCommands] = fx.wake[transport.LaneCommands] || c.unnamed
}

// settleUnanswered ends an op that gets no reply, for the reason why.
func (c *Client) settleUnanswered(fx *effects, p *op, why error) {
	c.settle(fx, p, &OutcomeError{Sent: p.mayHaveArrived, Err: why})
}

// settleNeedless settles an op that became needless with the session it was for.
func (c *Client) settleNeedless(fx *effects, p *op) {
	c.outbox.unqueue(p)
	if !p.isSettled() {
		c.settle(fx, p, nil)
	}
}

// onRequestSettled goes on with a subscribe or unsubscribe that is settled.
func (c *Client) onRequestSettled(fx *effects, p *op) {
	newest, outstanding := c.outbox.onRequestSettled(p)
	if newest && p.isSubscribe() {
		c.onSubscribeSettled(fx, p, outstanding)
	}
	c.review(fx, p.topic, mono.Now())
}

// review asks the server again where what was sent may have undone what the
// application wants.
func (c *Client) review(fx *effects, ch bayeux.Channel, now mono.Time) {
	if c.disconnect != nil {
		return
	}
	wanted := c.topics.wanted(ch)
	switch again, undone := c.outbox.review(ch, wanted, now); {
	case again && wanted:
		c.sendSubscribe(fx, c.topics.get(ch)).mayHaveGap = undone
	case again:
		c.sendUnsubscribe(fx, ch)
	}
}

// reviewAll is review for every channel with requests.
func (c *Client) reviewAll(fx *effects, now mono.Time) {
	for ch := range c.outbox.requests {
		c.review(fx, ch, now)
	}
}

// onRepliesOverdue goes on with the ops whose replies are late.
func (c *Client) onRepliesOverdue(fx *effects, now mono.Time) {
	cut, again, lost := c.outbox.expired(now, c.isExchange, c.topics.known)
	for _, id := range cut {
		c.cutLeg(fx, id, ErrNoReply)
	}
	for _, p := range lost {
		c.settleUnanswered(fx, p, ErrNoReply)
	}
	c.outbox.requeue(again)
	c.reviewAll(fx, now)
	fx.wake[transport.LaneCommands] = true
}

// isExchange reports whether a leg carries one batch each way, as those of HTTP do.
func (c *Client) isExchange(id transport.LegID) bool {
	l := c.legs.Get(id)
	return l != nil && l.once
}

// onOpsLegEnd goes on with the ops that a leg carried that ended, and reports
// whether it carried any.
func (c *Client) onOpsLegEnd(fx *effects, id transport.LegID, err *transport.Error) bool {
	now := mono.Now()
	lost, carried := c.outbox.onLegEnd(id, err, now, c.topics.known)
	for _, p := range lost {
		if !p.isSettled() {
			c.settleUnanswered(fx, p, p.err)
		}
	}
	c.reviewAll(fx, now)
	return carried
}

// onSessionOver goes on with the requests of a session that is over.
func (c *Client) onSessionOver(fx *effects) {
	needless, again := c.outbox.onSessionOver()
	for _, p := range needless {
		c.settleNeedless(fx, p)
	}
	c.outbox.requeue(again)
	c.reviewAll(fx, mono.Now())
}

// onReply settles the op that a reply is for. CometD answers a remote call twice,
// once with data, and by long-polling sometimes in two responses.
func (c *Client) onReply(fx *effects, id transport.LegID, p *op, m *bayeux.Message) (unknown error) {
	err := c.replyError(m)
	if isUnknown(err) {
		unknown = err
	}
	switch {
	case p.topic != "":
		return c.onRequestReply(fx, id, p, m, err)
	case unknown != nil && p.leg != 0 && p.leg != id: // of an earlier try
		c.stray++
		return unknown
	case unknown != nil && p == c.disconnect:
		err = nil // the end of the session is what it asks for
	case unknown != nil && p.mayResend(c.topics.known): // it was not taken: it leaves again in the next session
		c.outbox.requeue([]*op{p})
		return unknown
	case err == nil && p.call && m.Data == nil:
		p.leg, p.mayHaveArrived = 0, true // the reply with data may come on the other lane
		return nil
	}
	p.reply = *m
	c.settle(fx, p, err)
	return unknown
}

// onRequestReply takes the reply to a subscribe or unsubscribe: to p, if that is
// out, or to an earlier try.
func (c *Client) onRequestReply(fx *effects, id transport.LegID, p *op, m *bayeux.Message, err error) (unknown error) {
	ch := bayeux.Channel("")
	switch {
	case p != nil && c.outbox.requests[p.topic] == nil: // it is of no effect, see onUselessReply
		p.reply = *m
		c.settle(fx, p, err)
		return nil
	case p != nil:
		ch = p.topic
	case m.Meta != nil && len(m.Meta.Subscription) == 1:
		ch = m.Meta.Subscription[0]
	}
	alone := c.outbox.onlyOne(ch)
	p = c.outbox.onRequestReply(id, ch, p, m, err == nil, mono.Now(), c.options.NetworkDelay)
	if p != nil && p.mayHaveGap && err == nil {
		c.reportUndone(fx, ch)
	}
	if p == nil || p.isSettled() {
		c.stray++
		c.review(fx, ch, mono.Now())
		return nil
	}
	if isUnknown(err) {
		unknown = err
	}
	switch {
	case unknown != nil && !p.isSubscribe(), isNotSubscribed(err) && (p.mayHaveArrived || !alone): // that is what it asks for
		err = nil
	case unknown != nil && p.mayResend(c.topics.known) && c.outbox.mayRequeue(p, true):
		if c.outbox.pending[p.message.ID] == p {
			c.outbox.requeue([]*op{p})
		}
		return unknown
	}
	c.outbox.unqueue(p) // it may wait to leave again
	p.reply = *m
	c.settle(fx, p, err)
	return unknown
}
