package client

import (
	"github.com/turold/turold/bayeux"
	"github.com/turold/turold/transport"
)

// maxHeldBatches is how many times the messages of one batch may wait on a leg for
// their acknowledged reply. CometD sends a session's whole queue before it.
const maxHeldBatches = 64

// onUnreadable takes a message that could not be read, and reports whether it is the
// reply to the connect that is out on the leg. What may have been an event leaves a gap
// in its place, held and acknowledged as the event would be.
func (c *Client) onUnreadable(fx *effects, id transport.LegID, l *leg, m *bayeux.Message) (connect bool) {
	out := id == c.connect.leg && !l.cut
	switch ch := m.Channel; {
	case ch == bayeux.MetaConnect || ch == "" && m.ID != "" && m.ID == c.connect.id:
		connect = out && (m.ID == "" || m.ID == c.connect.id)
		if !connect {
			c.stray++
		}
	case ch.Meta():
		c.stray++
	default:
		if ch == "" && out {
			l.maybeConnectReply = true
			if c.ack { // a server sends events with the reply only, which is due now, unless it was this
				c.onServerDisconnect()
			}
		}
		c.onEvent(fx, id, l, m)
	}
	return connect
}

// reportUnreadable logs the first of some messages that could not be read. What carries
// a handshake carries nothing else: one that is still not answered will not be.
func (c *Client) reportUnreadable(fx *effects, id transport.LegID, m *bayeux.Message, count int) {
	ch, err := m.Channel, m.Unreadable()
	fx.then(func() { c.log.Warn("unreadable message", "channel", string(ch), "reason", err, "count", count) })
	if id == c.handshake.leg {
		c.cutLeg(fx, id, err)
	}
}

// onEvent takes an event. With the acknowledgement extension
// it waits for the reply that names its batch: the server sends the batch
// again if that reply is lost. What rides on the response to a command is in
// no batch.
func (c *Client) onEvent(fx *effects, id transport.LegID, l *leg, m *bayeux.Message) {
	c.connect.gotEvents = true
	if !c.ack || l.once && !l.hadConnect {
		c.reportSuspectedGap(fx, l)
		c.deliver(fx, m)
		return
	}
	if l.cut {
		return
	}
	l.held = append(l.held, *m)
	bytes := weight(m)
	l.heldBytes += bytes
	c.heldBytes += bytes
	lim := c.dialer.limits()
	if (len(l.held)-1)/maxHeldBatches >= lim.Messages || c.heldBytes > lim.Unacknowledged {
		c.cutLeg(fx, id, errAckHeld)
	}
}

// releaseHeld delivers what waited on a leg for the reply to its connect. An
// acknowledged number only grows: a smaller one comes with what was delivered
// before.
func (c *Client) releaseHeld(fx *effects, l *leg, reply *bayeux.Message) {
	held := l.held
	c.heldBytes -= l.heldBytes
	l.held, l.heldBytes = nil, 0
	switch batch, ok := ackOf(reply.Ext); {
	case !c.ack:
	case ok && batch < c.batch, !ok && reply.Unreadable() != nil: // or it is not known, and the batch comes again
		return
	case ok:
		c.batch = batch
	}
	c.reportSuspectedGap(fx, l)
	for i := range held {
		c.deliver(fx, &held[i])
	}
}

// deliver puts an event into the queue of every subscription it matches.
func (c *Client) deliver(fx *effects, m *bayeux.Message) {
	unreadable := m.Unreadable() != nil
	if unreadable && m.Channel == "" {
		c.putGaps(fx, GapUnreadable)
		return
	}
	found := false
	fx.matching = fx.matching[:0]
	if !c.draining {
		fx.matching = c.topics.appendMatching(fx.matching, m.Channel.Clean())
	}
	for _, t := range fx.matching {
		for _, s := range t.subs {
			found = true
			if s.owesNewSessionGap && !c.inForce(fx, s) {
				continue
			}
			if unreadable {
				c.putGap(fx, s, GapUnreadable)
				continue
			}
			g, full, shares := s.put(m, fx.batchBytes)
			if g != nil {
				c.reportGap(fx, g)
			}
			if shares {
				fx.sharing = append(fx.sharing, s)
			}
			fx.yield = fx.yield || full
		}
	}
	if unreadable {
		return
	}
	if found {
		c.dialer.shared.delivered.Add(1)
		return
	}
	c.dropped++
	if trace := c.dialer.Trace; trace != nil && trace.Dropped != nil {
		dropped := *m
		fx.then(func() { trace.Dropped(c, dropped) })
	}
}

// startBatch takes down what a step delivers from: a batch of messages that came, and
// those that were held before it.
func (l *leg) startBatch(fx *effects, ms []bayeux.Message) (held int) {
	fx.batchBytes = l.heldBytes
	for i := range ms {
		fx.batchBytes += ms[i].Size()
	}
	return len(l.held)
}

// finishBatch is called when a batch was delivered, or is held behind as many messages as
// were held before it: where little is left of the batch, nothing keeps the rest of its frame.
func (l *leg) finishBatch(fx *effects, held int) {
	for _, s := range fx.sharing {
		s.detachBatch(fx.batchBytes)
	}
	if len(l.held) > held {
		l.detachHeld(held, fx.batchBytes)
	}
}

// detachHeld moves what is held, from that index on, into memory of its own, where it is
// the lesser part of its batch.
func (l *leg) detachHeld(from, batch int) {
	bytes := 0
	for i := range l.held[from:] {
		bytes += weight(&l.held[from+i])
	}
	if batch-(l.heldBytes-bytes) <= 2*bytes {
		return
	}
	var own []*bayeux.Message
	for i := range l.held[from:] {
		own = append(own, &l.held[from+i])
	}
	detach(own)
}

// reportSuspectedGap puts a gap, before anything that comes on a leg, where events may
// have been lost with another that died.
func (c *Client) reportSuspectedGap(fx *effects, l *leg) {
	if c.topics.gapBefore(l) {
		c.putGaps(fx, GapConnectionLost)
	}
}

// putGaps puts a gap into every subscription that events may have been missed for.
func (c *Client) putGaps(fx *effects, reason GapReason) {
	for s := range c.topics.concerned() {
		c.putGap(fx, s, reason)
	}
}

// putGap puts a gap of unknown size into a subscription.
func (c *Client) putGap(fx *effects, s *Subscription, reason GapReason) {
	g := &GapError{Channel: s.channel, Reason: reason, Missed: -1}
	s.putGap(*g)
	c.reportGap(fx, g)
}

// oweNewSessionGaps puts a gap into every subscription, now or when the server has its
// channel, because the session is a new one.
func (c *Client) oweNewSessionGaps(fx *effects) {
	for t := range c.topics.onNewSession() {
		c.reportOwedGap(fx, t)
	}
}

// inForce reports whether a subscription that owes the gap of a new session gets the
// event that is being delivered. If the session asked the server for no other channel
// that the event matches, the server has this one already, and the gap stands before the event.
// Otherwise the event may have come for the other channel, and the server may still lack
// this one: the subscription gets nothing before the server has answered, and then the
// gap stands for all of it.
func (c *Client) inForce(fx *effects, s *Subscription) bool {
	asked := 0
	for _, t := range fx.matching {
		if t.remote() {
			asked++
		}
	}
	if asked > 1 && !s.local {
		return false
	}
	c.putOwedGap(fx, s)
	return true
}

// reportOwedGap puts the gap of a new session into the subscriptions of a topic: the server
// has the channel, or will not have it.
func (c *Client) reportOwedGap(fx *effects, t *topic) {
	for _, s := range t.subs {
		if s.owesNewSessionGap {
			c.putOwedGap(fx, s)
		}
	}
}

// putOwedGap puts the gap of a new session into a subscription that owes it.
func (c *Client) putOwedGap(fx *effects, s *Subscription) {
	s.owesNewSessionGap = false
	c.putGap(fx, s, GapNewSession)
}

// reportGap tells the log and the trace of a gap.
func (c *Client) reportGap(fx *effects, g *GapError) {
	told := *g
	trace := c.dialer.Trace
	fx.then(func() {
		c.log.Warn("gap", "channel", string(told.Channel), "reason", string(told.Reason), "missed", told.Missed)
		if trace != nil && trace.Gap != nil {
			trace.Gap(c, &told)
		}
	})
}
