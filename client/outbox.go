package client

import (
	"cmp"
	"errors"
	"slices"

	"github.com/turold/turold/bayeux"
	"github.com/turold/turold/internal/mono"
	"github.com/turold/turold/transport"
)

// maxBatch is how many commands go into one frame or body at most.
const maxBatch = 256

// metaSize is about what the clientId adds to a command when it leaves.
const metaSize = 80

// An op is a command that wants a reply.
type op struct {
	m       bayeux.Message // Meta is made when it leaves: it carries the clientId
	sub     bayeux.Channel // of a subscribe or unsubscribe
	before  *op            // the one before it for the same channel, if that was not settled
	order   uint64
	size    int
	repeat  bool   // may be sent again though it may have arrived
	call    bool   // the reply that counts is the one with data
	paid    bool   // counts in the outbox's bound
	awaited bool   // its sender is told its outcome: Flush need not
	sent    bool   // it left before and may have arrived: whatever is known of later tries
	alone   bool   // its caller has gone, and was told: it never leaves again
	undone  bool   // a subscribe behind an unsubscribe that may have undone one before it
	group   *group // those that should leave together; nil: alone

	leg   transport.LegID // zero: it waits
	late  mono.Time       // while it is out
	tries int             // how often it left
	x     attempt

	done  chan struct{} // closed when it is settled
	reply bayeux.Message
	err   error // the outcome; before it is settled, why the last try was none
}

func (p *op) settled() bool {
	select {
	case <-p.done:
		return true
	default:
		return false
	}
}

// mayLeave reports whether an op that got no good answer may leave once more. A
// subscription that the server once accepted never ends for want of one.
func (c *Client) mayLeave(p *op) bool {
	if p.alone || p.sent && !p.repeat {
		return false
	}
	if p.tries < 3 {
		return true
	}
	t := c.topics.get(p.sub)
	return p.subscribes() && t != nil && t.known
}

// A group is the part of a Batch that has not left.
type group struct{ size int }

// An outbox holds the ops that are not settled.
type outbox struct {
	queue   []*op          // waiting, in order
	pending map[string]*op // out, by id; nil: none, for a while
	late    mono.Time      // not after the earliest deadline in pending, nor after what requests wait for; zero: there is none
	paid    Bound          // what counts in the bound, waiting or out
	room    chan struct{}  // closed when something was settled; nil: nobody waits for it

	requests map[bayeux.Channel]*requests // nil: none, for a while
	failed   *unflushed                   // for Flush; nil: nothing has
}

func (o *outbox) unsettled() int { return len(o.queue) + len(o.pending) }

// rest lets go of what an idle session need not keep.
func (o *outbox) rest() {
	if o.unsettled() == 0 {
		o.queue, o.pending = nil, nil
	}
	if len(o.requests) == 0 {
		o.requests = nil
	}
}

// newOp makes an op that waits, behind all others.
func (c *Client) newOp(m bayeux.Message) *op {
	c.seq++
	m.ID = newID()
	return &op{m: m, order: c.seq, size: m.Size() + metaSize, done: make(chan struct{})}
}

// push puts an op at the end of the queue.
func (c *Client) push(e *fx, p *op) {
	c.out.queue = append(c.out.queue, p)
	e.wake[transport.LaneCommands] = true
}

// fits reports whether size more bytes in n messages may be sent now. What is
// larger than the whole bound may be sent when nothing else is unsettled.
func (c *Client) fits(n, size int) bool {
	paid, bound := c.out.paid, c.o.Outbox
	return paid.Messages == 0 || paid.Messages+n <= bound.Messages && paid.Bytes+size <= bound.Bytes
}

// drawCommands takes what fits from the queue.
func (c *Client) drawCommands(l transport.Leg, now mono.Time) (b []bayeux.Message) {
	q, room := c.out.queue, l.Limit
	most := min(len(q), maxBatch, c.d.limits().Messages/2) // the replies come in one batch, with events
	if c.unnamed {                                         // two that are out could not be told apart by their replies
		most = min(most, 1-min(len(c.out.pending), 1))
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
		b = append(b, c.give(p, l, now))
	}
	clear(q[:len(b)])
	c.out.queue = q[len(b):]
	return b
}

// give makes the message of an op that leaves now.
func (c *Client) give(p *op, l transport.Leg, now mono.Time) bayeux.Message {
	p.leg, p.late = l.ID, now.Add(c.o.NetworkDelay)
	p.tries++
	if p.group != nil {
		p.group.size -= p.size
		p.group = nil
	}
	if c.out.late.IsZero() {
		c.out.late = p.late
	}
	if c.out.pending == nil {
		c.out.pending = map[string]*op{}
	}
	c.out.pending[p.m.ID] = p
	m := p.m
	m.Meta = &bayeux.Meta{ClientID: c.id}
	if p.sub != "" {
		m.Meta.Subscription = []bayeux.Channel{p.sub}
	}
	if p.sub != "" {
		c.leaves(p, l.ID, now)
	}
	p.x = c.begins(m, l.Type, now)
	return m
}

// unanswered ends an op that gets no reply, for the reason why.
func (c *Client) unanswered(e *fx, p *op, why error) {
	c.settle(e, p, &OutcomeError{Sent: p.sent, Err: why})
}

// settle ends an op with what is known of it: nil, the server's refusal, or an
// *OutcomeError. A refusal says nothing of an earlier try that may have arrived;
// that of a subscribe or unsubscribe, of which the last counts, is what it is.
func (c *Client) settle(e *fx, p *op, err error) {
	if err != nil && p.sent && p.sub == "" && !errors.As(err, new(*OutcomeError)) {
		err = &OutcomeError{Sent: true, Err: err}
	}
	delete(c.out.pending, p.m.ID)
	p.err = err
	if err != nil && p.paid && !p.awaited {
		c.out.fails(failure{p.order, p.m.Channel, err})
	}
	if p.reply.Channel != "" {
		c.ends(e, p.x, p.m.Channel, &p.reply, err)
	} else {
		c.ends(e, p.x, p.m.Channel, nil, err)
	}
	if p.sub != "" {
		c.requestSettled(e, p)
	}
	p.forget()
	c.free(p)
	close(p.done)
	e.wake[transport.LaneCommands] = e.wake[transport.LaneCommands] || c.unnamed
}

// forget drops what a Receipt need not keep.
func (p *op) forget() {
	p.m.Data, p.m.Ext, p.before = nil, nil, nil
	if p.call {
		p.reply = p.reply.Clone()
	} else {
		p.reply = bayeux.Message{}
	}
}

// free gives back what an op took of the bound.
func (c *Client) free(p *op) {
	if !p.paid {
		return
	}
	c.out.paid.Messages--
	c.out.paid.Bytes -= p.size
	c.out.tellRoom()
}

// tellRoom wakes those who wait for room.
func (o *outbox) tellRoom() {
	if o.room != nil {
		close(o.room)
		o.room = nil
	}
}

// putBack puts ops that did not leave, or may leave again, where they were in
// the queue.
func (c *Client) putBack(ops []*op) {
	if len(ops) == 0 {
		return
	}
	for _, p := range ops {
		delete(c.out.pending, p.m.ID)
		p.leg, p.x = 0, attempt{}
	}
	c.out.queue = append(ops, c.out.queue...)
	slices.SortFunc(c.out.queue, func(a, b *op) int { return cmp.Compare(a.order, b.order) })
}

// forgo settles an op that became needless with the session it was for.
func (c *Client) forgo(e *fx, p *op) {
	c.withdraw(p)
	if !p.settled() {
		c.settle(e, p, nil)
	}
}

// withdraw takes an op back that has not left, and reports whether it could.
func (c *Client) withdraw(p *op) bool {
	i := slices.Index(c.out.queue, p)
	if i < 0 {
		return false
	}
	c.out.queue = slices.Delete(c.out.queue, i, i+1)
	return true
}

// overdue looks for ops whose answer is late. On an exchange the whole
// exchange is; on a socket the one op is.
func (c *Client) overdue(e *fx, now mono.Time) {
	var late, again []*op
	for _, p := range c.out.pending {
		switch l := c.legs.Get(p.leg); {
		case now.Before(p.late):
			c.out.late = mono.Earliest(c.out.late, p.late)
		case l != nil && l.once:
			c.cutLeg(e, p.leg, ErrLate)
		default:
			late = append(late, p)
		}
	}
	for _, p := range late {
		p.sent = true
		if p.repeat && c.mayLeave(p) && (p.sub == "" || c.returns(p, false)) {
			p.err = ErrLate
			again = append(again, p)
		} else {
			c.unanswered(e, p, ErrLate)
		}
	}
	c.putBack(again)
	c.reviewAll(e, now)
	e.wake[transport.LaneCommands] = true
}

// asked is the op that m, which came on a leg, is the reply to; nil: none is.
func (c *Client) asked(id transport.LegID, m *bayeux.Message) (one *op) {
	if len(c.out.pending) == 0 {
		return nil
	}
	if m.ID != "" {
		if p := c.out.pending[m.ID]; p != nil {
			if q := p.request(false); m.Answers(&q) {
				return p
			}
		}
		return nil
	}
	if m.IsEvent() && !c.unnamed {
		return nil
	}
	for _, p := range c.out.pending {
		q := p.request(c.unnamed)
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

// request is what tells the reply to p.
func (p *op) request(unnamed bool) bayeux.Request {
	return bayeux.Request{ID: p.m.ID, Channel: p.m.Channel, Subscription: p.sub, Call: p.call, Unnamed: unnamed}
}

// replied settles the op that a reply is for. CometD answers a remote call twice,
// once with data, and by long-polling sometimes in two responses.
func (c *Client) replied(e *fx, id transport.LegID, p *op, m *bayeux.Message) (unknown error) {
	err := c.said(m)
	switch {
	case p.sub != "":
		return c.repliedRequest(e, id, p, m, err)
	case isUnknown(err) && p.leg != 0 && p.leg != id: // of an earlier try
		c.stray++
		return err
	case isUnknown(err) && p == c.leaving:
		p.reply = *m
		c.settle(e, p, nil) // the end of the session is what it asks for
		return err
	case isUnknown(err) && c.mayLeave(p): // it was not taken: it leaves again in the next session
		c.putBack([]*op{p})
		return err
	case err == nil && p.call && m.Data == nil:
		p.leg, p.sent = 0, true // the one with data may come on the other lane
		return nil
	}
	p.reply = *m
	c.settle(e, p, err)
	if isUnknown(err) {
		return err
	}
	return nil
}

// repliedRequest takes the reply to a subscribe or unsubscribe: to p, if that is
// out, or to an earlier try.
func (c *Client) repliedRequest(e *fx, id transport.LegID, p *op, m *bayeux.Message, err error) (unknown error) {
	ch := bayeux.Channel("")
	switch {
	case p != nil && c.out.requests[p.sub] == nil: // of no effect, see uselessAnswer
		p.reply = *m
		c.settle(e, p, err)
		return nil
	case p != nil:
		ch = p.sub
	case m.Meta != nil && len(m.Meta.Subscription) == 1:
		ch = m.Meta.Subscription[0]
	}
	r := c.out.requests[ch]
	alone := r != nil && len(r.sent) == 1
	p = c.heard(id, ch, p, m, err == nil)
	if p != nil && p.undone && err == nil {
		c.tellUndone(e, ch)
	}
	if p == nil || p.settled() {
		c.stray++
		c.review(e, ch, mono.Now())
		return nil
	}
	if isUnknown(err) {
		unknown = err
	}
	switch {
	case unknown != nil && !p.subscribes(), absent(err) && (p.sent || !alone): // that is what it asks for
		err = nil
	case unknown != nil && c.mayLeave(p) && c.returns(p, true):
		if c.out.pending[p.m.ID] == p {
			c.putBack([]*op{p})
		}
		return unknown
	}
	c.withdraw(p) // it may wait to leave again
	p.reply = *m
	c.settle(e, p, err)
	return unknown
}

// endOps settles or puts back what a leg that ended carried, and reports
// whether it carried any.
func (c *Client) endOps(e *fx, id transport.LegID, err *transport.Error) bool {
	now := mono.Now()
	c.legEnded(id, err, now)
	var ended, back []*op
	for _, p := range c.out.pending {
		if p.leg == id {
			ended = append(ended, p)
		}
	}
	for _, p := range ended {
		p.leg, p.err = 0, causeOf(err)
		not := untaken(err, p)
		p.sent = p.sent || !not
		switch {
		case p.alone, p.sub != "" && !c.returns(p, not):
		case err != nil && err.Unsent, !not && p.repeat:
			back = append(back, p)
		case not && (len(err.TooLarge) > 1 || c.mayLeave(p)): // in smaller pieces, or another way
			back = append(back, p)
		}
	}
	c.putBack(back)
	for _, p := range ended {
		if c.out.pending[p.m.ID] == p {
			c.unanswered(e, p, p.err)
		}
	}
	c.reviewAll(e, now)
	return len(ended) > 0
}

// untaken reports whether a leg that ended with err proves that the server does
// not have what p sent on it.
func untaken(err *transport.Error, p *op) bool {
	return err != nil && (err.Unsent || slices.Contains(err.TooLarge, p.m.ID))
}
