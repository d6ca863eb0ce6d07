package client

import (
	"github.com/turold/turold/bayeux"
	"github.com/turold/turold/transport"
)

// maxHeld is how many times the messages of one batch may wait on a leg for
// their acknowledged reply. CometD sends a session's whole queue before it.
const maxHeld = 64

// unreadable takes a message that could not be read, and reports whether it is the
// reply to the connect that is out on the leg. What may have been an event leaves a gap
// in its place, held and acknowledged as the event would be.
func (c *Client) unreadable(e *fx, id transport.LegID, l *leg, m *bayeux.Message) (connect bool) {
	out := id == c.cycle.leg && !l.cut
	switch ch := m.Channel; {
	case ch == bayeux.MetaConnect || ch == "" && m.ID != "" && m.ID == c.cycle.id:
		connect = out && (m.ID == "" || m.ID == c.cycle.id)
		if !connect {
			c.stray++
		}
	case ch.Meta():
		c.stray++
	default:
		if ch == "" && out {
			l.vague = true
			if c.ack { // a server sends events with the reply only, which is due now, unless it was this
				c.dismissed()
			}
		}
		c.event(e, id, l, m)
	}
	return connect
}

// misread tells of the first of some messages that could not be read. What carries
// a handshake carries nothing else: one that is still not answered will not be.
func (c *Client) misread(e *fx, id transport.LegID, m *bayeux.Message, count int) {
	ch, err := m.Channel, m.Unreadable()
	e.tell(func() { c.log.Warn("unreadable message", "channel", string(ch), "reason", err, "count", count) })
	if id == c.shake.leg {
		c.cutLeg(e, id, err)
	}
}

// event takes what was published. With the acknowledgement extension
// it waits for the reply that names its batch: the server sends the batch
// again if that reply is lost. What rides on the response to a command is in
// no batch.
func (c *Client) event(e *fx, id transport.LegID, l *leg, m *bayeux.Message) {
	c.cycle.events = true
	if !c.ack || l.once && !l.connect {
		c.settleDoubt(e, l)
		c.deliver(e, m)
		return
	}
	if l.cut {
		return
	}
	l.held = append(l.held, *m)
	bytes := weight(m)
	l.bytes += bytes
	c.heldBytes += bytes
	lim := c.d.limits()
	if (len(l.held)-1)/maxHeld >= lim.Messages || c.heldBytes > lim.Unacknowledged {
		c.cutLeg(e, id, errAckHeld)
	}
}

// release delivers what waited on a leg for the reply to its connect. An
// acknowledged number only grows: a smaller one comes with what was delivered
// before.
func (c *Client) release(e *fx, l *leg, reply *bayeux.Message) {
	held := l.held
	c.heldBytes -= l.bytes
	l.held, l.bytes = nil, 0
	switch batch, ok := ackOf(reply.Ext); {
	case !c.ack:
	case ok && batch < c.batch, !ok && reply.Unreadable() != nil: // or it is not known, and the batch comes again
		return
	case ok:
		c.batch = batch
	}
	c.settleDoubt(e, l)
	for i := range held {
		c.deliver(e, &held[i])
	}
}

// deliver puts an event into the queue of every subscription it matches.
func (c *Client) deliver(e *fx, m *bayeux.Message) {
	unreadable := m.Unreadable() != nil
	if unreadable && m.Channel == "" {
		c.gap(e, Unreadable)
		return
	}
	found := false
	e.reached = e.reached[:0]
	if !c.draining {
		e.reached = c.topics.reached(e.reached, m.Channel.Clean())
	}
	for _, t := range e.reached {
		c.settleOwed(e, t)
		for _, s := range t.subs {
			if found = true; unreadable {
				c.gapIn(e, s, Unreadable)
				continue
			}
			g, full, shares := s.put(m, e.batch)
			if g != nil {
				c.tellGap(e, g)
			}
			if shares {
				e.shares = append(e.shares, s)
			}
			e.turn = e.turn || full
		}
	}
	if unreadable {
		return
	}
	if found {
		c.d.shared.delivered.Add(1)
		return
	}
	c.dropped++
	if trace := c.d.Trace; trace != nil && trace.Dropped != nil {
		dropped := *m
		e.tell(func() { trace.Dropped(c, dropped) })
	}
}

// begin takes down what a step delivers from: a batch of messages that came, and
// those that were held before it.
func (l *leg) begin(e *fx, ms []bayeux.Message) (held int) {
	e.batch = l.bytes
	for i := range ms {
		e.batch += ms[i].Size()
	}
	return len(l.held)
}

// end is told that the batch is delivered, or held beside as many as were before:
// where little is left of it, nothing keeps the rest.
func (l *leg) end(e *fx, held int) {
	for _, s := range e.shares {
		s.settle(e.batch)
	}
	if len(l.held) > held {
		l.keepOwn(held, e.batch)
	}
}

// keepOwn is settle for what is held from the one on that has that number.
func (l *leg) keepOwn(from, batch int) {
	bytes := 0
	for i := range l.held[from:] {
		bytes += weight(&l.held[from+i])
	}
	if batch-(l.bytes-bytes) <= 2*bytes {
		return
	}
	var own []*bayeux.Message
	for i := range l.held[from:] {
		own = append(own, &l.held[from+i])
	}
	separate(own)
}

// A doubt is what may be missing without ack after a connection died: the
// greater one includes the lesser.
type doubt uint8

const (
	noDoubt    doubt = iota
	lostAnswer       // of a command, and the events it brought
	lostPushes       // it carried the connect: the server writes to it until another connect has come
)

// doubts is told that a leg died, which the others there are now may be older than.
func (c *Client) doubts(l *leg) {
	d := lostAnswer
	if l.connect {
		d = lostPushes
	}
	c.suspect = max(c.suspect, d)
	for _, other := range c.legs.All() {
		other.older, other.doubted = true, false
	}
}

// settleDoubt says, before anything that comes on another leg, that events may
// have been lost with the one that died. Where that one carried the connect the
// server writes to it until a connect that left since then has come. What other
// legs bring may be older than what was lost last, or newer: it is said again
// behind that.
func (c *Client) settleDoubt(e *fx, l *leg) {
	sure := !l.cut && !l.older && (l.connect || c.suspect == lostAnswer)
	if c.suspect == noDoubt || l.doubted && !sure {
		return
	}
	l.doubted = !sure
	if sure {
		c.suspect = noDoubt
	}
	c.gap(e, ConnectionLost)
}

// gap puts a gap into every subscription that events may have been missed for.
func (c *Client) gap(e *fx, reason GapReason) {
	for t := range c.topics.all() {
		if !t.known {
			continue
		}
		for _, s := range t.subs {
			c.gapIn(e, s, reason)
		}
	}
}

func (c *Client) gapIn(e *fx, s *Subscription, reason GapReason) {
	g := &GapError{Channel: s.channel, Reason: reason, Missed: -1}
	s.putGap(*g)
	c.tellGap(e, g)
}

// forgotten has a gap put into every subscription, because the session is a new
// one. Where the server has to be asked for the channel, what is published
// until it has it is missed as well: the gap is told then.
func (c *Client) forgotten(e *fx) {
	for t := range c.topics.all() {
		if !t.known {
			continue
		}
		for _, s := range t.subs {
			s.owes = true
		}
		if !t.remote() {
			c.settleOwed(e, t)
		}
	}
}

// settleOwed tells the gap of a new session: the server has the channel, or
// will not have it.
func (c *Client) settleOwed(e *fx, t *topic) {
	for _, s := range t.subs {
		if s.owes {
			s.owes = false
			c.gapIn(e, s, NewSession)
		}
	}
}

func (c *Client) tellGap(e *fx, g *GapError) {
	told := *g
	trace := c.d.Trace
	e.tell(func() {
		c.log.Warn("gap", "channel", string(told.Channel), "reason", string(told.Reason), "missed", told.Missed)
		if trace != nil && trace.Gap != nil {
			trace.Gap(c, &told)
		}
	})
}
