package client

import (
	"cmp"
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
	m      bayeux.Message // Meta is made when it leaves: it carries the clientId
	sub    bayeux.Channel // of a subscribe or unsubscribe
	topic  *topic         // of a subscribe
	order  uint64
	size   int
	repeat bool   // harmless to send again
	call   bool   // the reply that counts is the one with data
	paid   bool   // counts in the outbox's bound
	group  *group // those that should leave together; nil: alone

	leg   transport.LegID // zero: it waits
	late  mono.Time       // while it is out
	tries int             // how often it left
	x     attempt

	done  chan struct{} // closed when it is settled
	reply bayeux.Message
	err   error
}

// again reports whether an op that got no good answer may leave once more. A
// subscription that the server once accepted never ends for want of one.
func (p *op) again() bool { return p.tries < 3 || p.topic != nil && p.topic.known }

// A group is the part of a Batch that has not left.
type group struct{ size int }

// An outbox holds the ops that are not settled.
type outbox struct {
	queue   []*op          // waiting, in order
	pending map[string]*op // out, by id; nil: none, for a while
	late    mono.Time      // not after the earliest deadline in pending; zero: nothing is out
	paid    Bound          // what counts in the bound, waiting or out
	room    chan struct{}  // closed when something was settled; nil: nobody waits for it
}

func (o *outbox) unsettled() int { return len(o.queue) + len(o.pending) }

// rest lets go of what an idle session need not keep.
func (o *outbox) rest() {
	if o.unsettled() == 0 {
		o.queue, o.pending = nil, nil
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
	e.wake[transport.Commands] = true
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
	p.x = c.begins(m, l.Type, now)
	return m
}

// settle ends an op with what is known of it.
func (c *Client) settle(e *fx, p *op, err error) {
	delete(c.out.pending, p.m.ID)
	p.err = err
	if p.reply.Channel != "" {
		c.ends(e, p.x, p.m.Channel, &p.reply, err)
	} else {
		c.ends(e, p.x, p.m.Channel, nil, err)
	}
	if p.topic != nil {
		c.subscribed(e, p)
	}
	c.free(p)
	close(p.done)
	e.wake[transport.Commands] = e.wake[transport.Commands] || c.unnamed
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
	select {
	case <-p.done:
	default:
		c.settle(e, p, nil)
	}
}

func (c *Client) forgoUnsubscribes(e *fx) {
	for _, p := range slices.Clone(c.out.queue) {
		if p.m.Channel == bayeux.MetaUnsubscribe {
			c.forgo(e, p)
		}
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
			if c.out.late.IsZero() || p.late.Before(c.out.late) {
				c.out.late = p.late
			}
		case l != nil && l.once:
			c.cutLeg(e, p.leg, ErrLate)
		case p.repeat && p.again():
			again = append(again, p)
		default:
			late = append(late, p)
		}
	}
	for _, p := range late {
		c.settle(e, p, &OutcomeError{Sent: true, Err: ErrLate})
	}
	c.putBack(again)
	e.wake[transport.Commands] = true
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
func (c *Client) replied(e *fx, p *op, m *bayeux.Message) (unknown error) {
	err := c.said(m)
	if isUnknown(err) && (p == c.leaving || p.m.Channel == bayeux.MetaUnsubscribe) {
		p.reply = *m
		c.settle(e, p, nil) // the end of the session is what it asks for
		return err
	}
	if isUnknown(err) && p.again() { // it was not taken: it leaves again in the next session
		c.putBack([]*op{p})
		return err
	}
	if err == nil && p.call && m.Data == nil {
		p.leg = 0 // the one with data may come on the other lane
		return nil
	}
	p.reply = *m
	c.settle(e, p, err)
	if isUnknown(err) {
		return err
	}
	return nil
}

// endOps settles or puts back what a leg that ended carried, and reports
// whether it carried any.
func (c *Client) endOps(e *fx, id transport.LegID, err *transport.Error) bool {
	var back, refused, over []*op
	for _, p := range c.out.pending {
		switch {
		case p.leg != id:
		case err != nil && err.Unsent || p.repeat:
			back = append(back, p)
		case err != nil && slices.Contains(err.Refused, p.m.ID):
			if len(err.Refused) > 1 || p.again() { // in smaller pieces, or another way
				back = append(back, p)
			} else {
				refused = append(refused, p)
			}
		default:
			over = append(over, p)
		}
	}
	c.putBack(back)
	for _, p := range over {
		c.settle(e, p, &OutcomeError{Sent: true, Err: causeOf(err)})
	}
	for _, p := range refused {
		c.settle(e, p, &OutcomeError{Err: causeOf(err)})
	}
	return len(back)+len(refused)+len(over) > 0
}
