package client

import (
	"github.com/turold/turold/bayeux"
	"github.com/turold/turold/internal/mono"
	"github.com/turold/turold/transport"
)

// A handler is the client as its transport sees it: its methods are not for the user.
type handler struct{ c *Client }

// Next gives the leg what may leave on the lane now.
func (h handler) Next(lane transport.Lane, l transport.Leg) (b []bayeux.Message) {
	c := h.c
	c.step(func(fx *effects) { b = c.drawLane(fx, lane, l, mono.Now()) })
	for i := range b {
		for _, x := range c.options.Extensions {
			x.Outgoing(&b[i])
		}
	}
	c.traceBatch(l.ID, true, b, nil)
	return b
}

// drawLane returns what may leave on a lane now, and notes the leg.
func (c *Client) drawLane(fx *effects, lane transport.Lane, l transport.Leg, now mono.Time) (b []bayeux.Message) {
	k := c.legs.Get(l.ID)
	if c.backoff.pausing() || k != nil && k.cut {
		return nil
	}
	switch {
	case c.clientID == "" && lane == transport.LaneCommands:
		b = c.drawHandshake(fx, l, now)
	case c.clientID == "":
	case lane == transport.LaneConnect:
		b = c.drawConnect(nil, l, now)
	default:
		b = c.drawCommands(l, now)
		if len(b) > 0 && c.connect.onCommandsSent() {
			b = c.drawConnect(b, l, now)
		}
	}
	if b == nil {
		return nil
	}
	if k == nil {
		k = &leg{once: l.Once, kind: l.Type}
		c.legs.Set(l.ID, k)
	}
	k.hadConnect = k.hadConnect || c.connect.leg == l.ID
	return b
}

// Receive takes what came on a leg. The reply to the connect is taken last,
// wherever it stands: it closes the batch of events it came with.
func (h handler) Receive(id transport.LegID, ms []bayeux.Message) {
	c := h.c
	hidden := c.redactorOf(ms)
	c.traceBatch(id, false, ms, hidden)
	for i := len(c.options.Extensions) - 1; i >= 0; i-- {
		for j := range ms {
			if ms[j].Unreadable() == nil {
				c.options.Extensions[i].Incoming(&ms[j])
			}
		}
	}
	c.step(func(fx *effects) { c.redactor = hidden; c.onMessages(fx, id, ms) })
}

// onMessages takes what came on a leg, in one step.
func (c *Client) onMessages(fx *effects, id transport.LegID, ms []bayeux.Message) {
	l := c.legs.Get(id)
	if l == nil {
		return
	}
	c.resent = false
	held := l.startBatch(fx, ms)
	var connect, bad *bayeux.Message // the reply to the connect, and the first that could not be read
	var unknown error
	unreadable := 0
	for i := range ms {
		m := &ms[i]
		if m.Unreadable() != nil {
			if unreadable++; bad == nil {
				bad = m
			}
			if c.onUnreadable(fx, id, l, m) && connect == nil {
				connect = m
			}
			continue
		}
		switch isConnect, err := c.onMessage(fx, id, l, m); {
		case isConnect:
			connect = m
		case err != nil:
			unknown = err
		}
	}
	if bad != nil {
		c.reportUnreadable(fx, id, bad, unreadable)
	}
	c.connect.gotReadable = c.connect.gotReadable || unreadable < len(ms)
	if connect != nil {
		c.onConnectReply(fx, l, connect)
	}
	l.finishBatch(fx, held)
	if unknown != nil && !l.cut && c.clientID != "" {
		c.renewSession(fx, &OpError{Op: "command", Err: unknown})
	}
}

// onMessage takes a message that could be read, unless it is the reply to the connect that
// is out on the leg, and reports whether it is. unknown is the error of a reply that says
// that the server does not know the session.
func (c *Client) onMessage(fx *effects, id transport.LegID, l *leg, m *bayeux.Message) (isConnect bool, unknown error) {
	hs, cs := &c.handshake, &c.connect
	switch p := c.outbox.answered(id, m, c.unnamed); {
	case p != nil:
		return false, c.onReply(fx, id, p, m)
	case m.IsEvent():
		c.onEvent(fx, id, l, m)
	case hs.leg != 0 && (hs.leg == id || m.ID != "") && m.Answers(&bayeux.Request{Channel: bayeux.MetaHandshake, ID: hs.id}):
		c.onHandshakeReply(fx, l, m)
	case cs.leg == id && !l.cut && m.Answers(&bayeux.Request{Channel: bayeux.MetaConnect, ID: cs.id}): // of a leg that was cut the events it closes were dropped
		return true, nil
	case m.Channel == bayeux.MetaDisconnect && m.ID == "": // the server's own: Salesforce sends it without "successful"
		c.onServerDisconnect()
	case m.Channel == bayeux.MetaSubscribe || m.Channel == bayeux.MetaUnsubscribe: // to a request that was given up, or is sent again
		return false, c.onRequestReply(fx, id, nil, m, c.replyError(m))
	default:
		c.stray++
	}
	return false, nil
}

// End takes the end of a leg.
func (h handler) End(id transport.LegID, err *transport.Error) {
	h.c.step(func(fx *effects) { h.c.onLegEnd(fx, id, err) })
}

// onLegEnd takes the end of a leg, with err; nil: it ended in peace.
func (c *Client) onLegEnd(fx *effects, id transport.LegID, err *transport.Error) {
	l := c.legs.Get(id)
	c.legs.Delete(id)
	if l != nil {
		c.heldBytes -= l.heldBytes
	}
	what := c.signInOn(id, l)
	lost := c.onOpsLegEnd(fx, id, err)
	if err == nil && what == signInCommands {
		c.handshake.onGranted(what)
	}
	if c.handshake.leg == id {
		c.handshake.leg, c.handshake.deadline, lost = 0, mono.Time{}, true
		c.endAttempt(fx, c.handshake.attempt, bayeux.MetaHandshake, nil, causeOf(err))
	}
	useless := false
	if c.connect.leg == id {
		c.endAttempt(fx, c.connect.attempt, bayeux.MetaConnect, nil, causeOf(err))
		c.connect.onLost()
		lost, useless = true, c.onUselessEnd(fx, l, err)
	}
	// A warm connection is often dead after a network event, and nothing says
	// so until it is used: once, that is no failure.
	resend := err != nil && err.StaleConn && !c.resent
	if resend {
		c.resent, fx.connDied, c.backoff.retriedAt = true, true, mono.Now()
	}
	smaller := l != nil && err != nil && len(err.TooLarge) > 1         // it was too much at once: that is no failure
	refused := l != nil && l.once && err != nil && err.TooLarge != nil // and nothing else happened
	if !c.ack && c.clientID != "" && err != nil && !err.Unsent && !refused && l != nil && !l.stale {
		c.topics.onLegDied(l, &c.legs)
	}
	switch opened := l != nil; {
	case useless: // what waits at the server cannot be had: a new session tells so
		c.renewSession(fx, &OpError{Op: "connect", Err: causeOf(err)})
		return
	case err != nil && err.RetryNow:
		c.backoff.endPause()
		c.backoff.retriedAt = mono.Now()
	case opened && l.stale, resend, smaller:
	case lost || err != nil && (!opened || !l.once):
		c.onTransportFailure(fx, err, what)
	}
	c.wakeLanes(fx)
}

// signInOn returns what a leg needed a sign-in for; where l is nil, the leg did not open.
func (c *Client) signInOn(id transport.LegID, l *leg) signIn {
	switch {
	case l == nil:
		return signInSocket
	case c.handshake.leg == id:
		return signInHandshake
	case l.hadConnect:
		return signInConnect
	}
	return signInCommands
}
