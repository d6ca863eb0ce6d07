package client

import (
	"cmp"
	"errors"
	"slices"

	"github.com/turold/turold/bayeux"
	"github.com/turold/turold/internal/mono"
	"github.com/turold/turold/transport"
)

// maxBatchCommands is how many commands go into one frame or body at most.
const maxBatchCommands = 256

// metaBytes is about what the clientId adds to a command when it leaves.
const metaBytes = 80

// An op is a command that wants a reply.
type op struct {
	message        bayeux.Message // Meta is made when it leaves: it carries the clientId
	topic          bayeux.Channel // of a subscribe or unsubscribe
	previous       *op            // the one before it for the same channel, if that was not settled
	order          uint64
	size           int
	repeatable     bool   // may be sent again though it may have arrived
	call           bool   // the reply that counts is the one with data
	counted        bool   // counts in the outbox's bound
	awaited        bool   // its sender is told its outcome: Flush need not
	mayHaveArrived bool   // it left before and may have arrived: whatever is known of later tries
	abandoned      bool   // its caller has gone, and was told: it never leaves again
	mayHaveGap     bool   // a subscribe behind an unsubscribe that may have undone one before it
	group          *group // those that should leave together; nil: alone

	leg      transport.LegID // zero: it waits
	deadline mono.Time       // while it is out
	tries    int             // how often it left
	attempt  attempt

	done  chan struct{} // closed when it is settled
	reply bayeux.Message
	err   error // the outcome; before it is settled, why the last try was none
}

func (p *op) isSettled() bool {
	select {
	case <-p.done:
		return true
	default:
		return false
	}
}

// mayResend reports whether an op that got no good answer may leave once more. A
// subscription that the server once accepted never ends for want of one.
func (c *Client) mayResend(p *op) bool {
	if p.abandoned || p.mayHaveArrived && !p.repeatable {
		return false
	}
	if p.tries < 3 {
		return true
	}
	t := c.topics.get(p.topic)
	return p.isSubscribe() && t != nil && t.known
}

// A group is the part of a Batch that has not left.
type group struct{ size int }

// An outbox holds the ops that are not settled.
type outbox struct {
	queue     []*op          // waiting, in order
	pending   map[string]*op // out, by id; nil: none, for a while
	nextCheck mono.Time      // not after the earliest deadline in pending, nor after what requests wait for; zero: there is none
	usage     Bound          // what counts in the bound, waiting or out
	roomFreed chan struct{}  // closed when something was settled; nil: nobody waits for it

	requests  map[bayeux.Channel]*channelRequests // nil: none, for a while
	unflushed *unflushed                          // for Flush; nil: nothing has
}

func (o *outbox) unsettled() int { return len(o.queue) + len(o.pending) }

// releaseIdle lets go of what an idle session need not keep.
func (o *outbox) releaseIdle() {
	if o.unsettled() == 0 {
		o.queue, o.pending = nil, nil
	}
	if len(o.requests) == 0 {
		o.requests = nil
	}
}

// newOp makes an op that waits, behind all others.
func (c *Client) newOp(m bayeux.Message) *op {
	c.lastOrder++
	m.ID = newID()
	return &op{message: m, order: c.lastOrder, size: m.Size() + metaBytes, done: make(chan struct{})}
}

// enqueue puts an op at the end of the queue.
func (c *Client) enqueue(fx *effects, p *op) {
	c.outbox.queue = append(c.outbox.queue, p)
	fx.wake[transport.LaneCommands] = true
}

// hasRoom reports whether size more bytes in n messages may be sent now. What is
// larger than the whole bound may be sent when nothing else is unsettled.
func (c *Client) hasRoom(n, size int) bool {
	paid, bound := c.outbox.usage, c.options.Outbox
	return paid.Messages == 0 || paid.Messages+n <= bound.Messages && paid.Bytes+size <= bound.Bytes
}

// drawCommands takes what fits from the queue.
func (c *Client) drawCommands(l transport.Leg, now mono.Time) (b []bayeux.Message) {
	q, room := c.outbox.queue, l.Limit
	// Their replies come in one batch, with events.
	most := min(len(q), maxBatchCommands, c.dialer.limits().Messages/2)
	if c.unnamed { // the replies to two that are out could not be told apart
		most = min(most, 1-min(len(c.outbox.pending), 1))
	}
	for len(b) < most {
		p := q[len(b)]
		need := p.size
		if p.group != nil {
			need = p.group.size
		}
		if len(b) > 0 && (p.size > room || need > room && need <= l.Limit) {
			break
		}
		room -= p.size
		b = append(b, c.startOp(p, l, now))
	}
	clear(q[:len(b)])
	c.outbox.queue = q[len(b):]
	return b
}

// startOp makes the message of an op that leaves now.
func (c *Client) startOp(p *op, l transport.Leg, now mono.Time) bayeux.Message {
	p.leg, p.deadline = l.ID, now.Add(c.options.NetworkDelay)
	p.tries++
	if p.group != nil {
		p.group.size -= p.size
		p.group = nil
	}
	if c.outbox.nextCheck.IsZero() {
		c.outbox.nextCheck = p.deadline
	}
	if c.outbox.pending == nil {
		c.outbox.pending = map[string]*op{}
	}
	c.outbox.pending[p.message.ID] = p
	m := p.message
	m.Meta = &bayeux.Meta{ClientID: c.clientID}
	if p.topic != "" {
		m.Meta.Subscription = []bayeux.Channel{p.topic}
	}
	if p.topic != "" {
		c.onRequestSent(p, l.ID, now)
	}
	p.attempt = c.startAttempt(m, l.Type, now)
	return m
}

// settleUnanswered ends an op that gets no reply, for the reason why.
func (c *Client) settleUnanswered(fx *effects, p *op, why error) {
	c.settle(fx, p, &OutcomeError{Sent: p.mayHaveArrived, Err: why})
}

// settle ends an op with what is known of it: nil, the server's refusal, or an
// *OutcomeError. A refusal says nothing of an earlier try that may have arrived;
// that of a subscribe or unsubscribe, of which the last counts, is what it is.
func (c *Client) settle(fx *effects, p *op, err error) {
	if err != nil && p.mayHaveArrived && p.topic == "" && !errors.As(err, new(*OutcomeError)) {
		err = &OutcomeError{Sent: true, Err: err}
	}
	delete(c.outbox.pending, p.message.ID)
	p.err = err
	if err != nil && p.counted && !p.awaited {
		c.outbox.recordFailure(failure{p.order, p.message.Channel, err})
	}
	if p.reply.Channel != "" {
		c.endAttempt(fx, p.attempt, p.message.Channel, &p.reply, err)
	} else {
		c.endAttempt(fx, p.attempt, p.message.Channel, nil, err)
	}
	if p.topic != "" {
		c.onRequestSettled(fx, p)
	}
	p.trim()
	c.freeRoom(p)
	close(p.done)
	fx.wake[transport.LaneCommands] = fx.wake[transport.LaneCommands] || c.unnamed
}

// trim drops what a Receipt need not keep.
func (p *op) trim() {
	p.message.Data, p.message.Ext, p.previous = nil, nil, nil
	if p.call {
		p.reply = p.reply.Clone()
	} else {
		p.reply = bayeux.Message{}
	}
}

// freeRoom gives back what an op took of the bound.
func (c *Client) freeRoom(p *op) {
	if !p.counted {
		return
	}
	c.outbox.usage.Messages--
	c.outbox.usage.Bytes -= p.size
	c.outbox.signalRoom()
}

// signalRoom wakes those who wait for room.
func (o *outbox) signalRoom() {
	if o.roomFreed != nil {
		close(o.roomFreed)
		o.roomFreed = nil
	}
}

// requeue puts ops that did not leave, or may leave again, where they were in
// the queue.
func (c *Client) requeue(ops []*op) {
	if len(ops) == 0 {
		return
	}
	for _, p := range ops {
		delete(c.outbox.pending, p.message.ID)
		p.leg, p.attempt = 0, attempt{}
	}
	c.outbox.queue = append(ops, c.outbox.queue...)
	slices.SortFunc(c.outbox.queue, func(a, b *op) int { return cmp.Compare(a.order, b.order) })
}

// settleNeedless settles an op that became needless with the session it was for.
func (c *Client) settleNeedless(fx *effects, p *op) {
	c.unqueue(p)
	if !p.isSettled() {
		c.settle(fx, p, nil)
	}
}

// unqueue takes an op back that has not left, and reports whether it could.
func (c *Client) unqueue(p *op) bool {
	i := slices.Index(c.outbox.queue, p)
	if i < 0 {
		return false
	}
	c.outbox.queue = slices.Delete(c.outbox.queue, i, i+1)
	return true
}

// onOverdue looks for ops whose answer is late. On an exchange the whole
// exchange is; on a socket the one op is.
func (c *Client) onOverdue(fx *effects, now mono.Time) {
	var late, again []*op
	for _, p := range c.outbox.pending {
		switch l := c.legs.Get(p.leg); {
		case now.Before(p.deadline):
			c.outbox.nextCheck = mono.Earliest(c.outbox.nextCheck, p.deadline)
		case l != nil && l.once:
			c.cutLeg(fx, p.leg, ErrNoReply)
		default:
			late = append(late, p)
		}
	}
	for _, p := range late {
		p.mayHaveArrived = true
		if p.repeatable && c.mayResend(p) && (p.topic == "" || c.mayRequeue(p, false)) {
			p.err = ErrNoReply
			again = append(again, p)
		} else {
			c.settleUnanswered(fx, p, ErrNoReply)
		}
	}
	c.requeue(again)
	c.reviewAll(fx, now)
	fx.wake[transport.LaneCommands] = true
}

// opAnswered is the op that m, which came on a leg, is the reply to; nil: none is.
func (c *Client) opAnswered(id transport.LegID, m *bayeux.Message) (one *op) {
	if len(c.outbox.pending) == 0 {
		return nil
	}
	if m.ID != "" {
		if p := c.outbox.pending[m.ID]; p != nil {
			if q := p.wants(false); m.Answers(&q) {
				return p
			}
		}
		return nil
	}
	if m.IsEvent() && !c.unnamed {
		return nil
	}
	for _, p := range c.outbox.pending {
		q := p.wants(c.unnamed)
		if p.leg != id || !m.Answers(&q) {
			continue
		}
		if one != nil { // whose it is cannot be told
			return nil
		}
		one = p
	}
	return one
}

// wants is what tells the reply to p.
func (p *op) wants(unnamed bool) bayeux.Request {
	return bayeux.Request{ID: p.message.ID, Channel: p.message.Channel, Subscription: p.topic, Call: p.call, Unnamed: unnamed}
}

// onReply settles the op that a reply is for. CometD answers a remote call twice,
// once with data, and by long-polling sometimes in two responses.
func (c *Client) onReply(fx *effects, id transport.LegID, p *op, m *bayeux.Message) (unknown error) {
	err := c.replyError(m)
	switch {
	case p.topic != "":
		return c.onSubscribeReply(fx, id, p, m, err)
	case isUnknown(err) && p.leg != 0 && p.leg != id: // of an earlier try
		c.stray++
		return err
	case isUnknown(err) && p == c.disconnect:
		p.reply = *m
		c.settle(fx, p, nil) // the end of the session is what it asks for
		return err
	case isUnknown(err) && c.mayResend(p): // it was not taken: it leaves again in the next session
		c.requeue([]*op{p})
		return err
	case err == nil && p.call && m.Data == nil:
		p.leg, p.mayHaveArrived = 0, true // the one with data may come on the other lane
		return nil
	}
	p.reply = *m
	c.settle(fx, p, err)
	if isUnknown(err) {
		return err
	}
	return nil
}

// onSubscribeReply takes the reply to a subscribe or unsubscribe: to p, if that is
// out, or to an earlier try.
func (c *Client) onSubscribeReply(fx *effects, id transport.LegID, p *op, m *bayeux.Message, err error) (unknown error) {
	ch := bayeux.Channel("")
	switch {
	case p != nil && c.outbox.requests[p.topic] == nil: // of no effect, see uselessAnswer
		p.reply = *m
		c.settle(fx, p, err)
		return nil
	case p != nil:
		ch = p.topic
	case m.Meta != nil && len(m.Meta.Subscription) == 1:
		ch = m.Meta.Subscription[0]
	}
	r := c.outbox.requests[ch]
	alone := r != nil && len(r.outstanding) == 1
	p = c.matchReply(id, ch, p, m, err == nil)
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
	case unknown != nil && c.mayResend(p) && c.mayRequeue(p, true):
		if c.outbox.pending[p.message.ID] == p {
			c.requeue([]*op{p})
		}
		return unknown
	}
	c.unqueue(p) // it may wait to leave again
	p.reply = *m
	c.settle(fx, p, err)
	return unknown
}

// onOpsLost settles or puts back what a leg that ended carried, and reports
// whether it carried any.
func (c *Client) onOpsLost(fx *effects, id transport.LegID, err *transport.Error) bool {
	now := mono.Now()
	c.onRequestsLegEnd(id, err, now)
	var ended, back []*op
	for _, p := range c.outbox.pending {
		if p.leg == id {
			ended = append(ended, p)
		}
	}
	for _, p := range ended {
		p.leg, p.err = 0, causeOf(err)
		not := isNotTaken(err, p)
		p.mayHaveArrived = p.mayHaveArrived || !not
		switch {
		case p.abandoned, p.topic != "" && !c.mayRequeue(p, not):
		case err != nil && err.Unsent, !not && p.repeatable:
			back = append(back, p)
		case not && (len(err.TooLarge) > 1 || c.mayResend(p)): // in smaller pieces, or another way
			back = append(back, p)
		}
	}
	c.requeue(back)
	for _, p := range ended {
		if c.outbox.pending[p.message.ID] == p {
			c.settleUnanswered(fx, p, p.err)
		}
	}
	c.reviewAll(fx, now)
	return len(ended) > 0
}

// isNotTaken reports whether a leg that ended with err proves that the server does
// not have what p sent on it.
func isNotTaken(err *transport.Error, p *op) bool {
	return err != nil && (err.Unsent || slices.Contains(err.TooLarge, p.message.ID))
}
