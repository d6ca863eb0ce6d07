package client

import (
	"net/http"

	"github.com/turold/turold/bayeux"
	"github.com/turold/turold/internal/mono"
	"github.com/turold/turold/transport"
)

// handler is the client as its transport sees it: the methods are not the user's.
type handler struct{ c *Client }

// Next gives the leg what may leave on the lane now.
func (h handler) Next(lane transport.Lane, l transport.Leg) (b []bayeux.Message) {
	c := h.c
	c.step(func(e *fx) { b = c.draw(e, lane, l, mono.Now()) })
	for i := range b {
		for _, x := range c.o.Extensions {
			x.Outgoing(&b[i])
		}
	}
	c.wire(l.ID, true, b, nil)
	return b
}

func (c *Client) draw(e *fx, lane transport.Lane, l transport.Leg, now mono.Time) (b []bayeux.Message) {
	k := c.legs.Get(l.ID)
	if !c.failures.until.IsZero() || k != nil && k.cut {
		return nil
	}
	switch {
	case c.id == "" && lane == transport.LaneCommands:
		b = c.drawHandshake(e, l, now)
	case c.id == "":
	case lane == transport.LaneConnect:
		b = c.drawConnect(nil, l, now)
	default:
		b = c.drawCommands(l, now)
		if y := &c.cycle; y.first && len(b) > 0 {
			y.ready, y.zero = true, true
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
	k.connect = k.connect || c.cycle.leg == l.ID
	return b
}

// Receive takes what came on a leg. The reply to the connect is taken last,
// wherever it stands: it closes the batch of events it came with.
func (h handler) Receive(id transport.LegID, ms []bayeux.Message) {
	c := h.c
	hidden := c.hiding(ms)
	c.wire(id, false, ms, hidden)
	for i := len(c.o.Extensions) - 1; i >= 0; i-- {
		for j := range ms {
			if ms[j].Unreadable() == nil {
				c.o.Extensions[i].Incoming(&ms[j])
			}
		}
	}
	c.step(func(e *fx) { c.hidden = hidden; c.receive(e, id, ms) })
}

func (c *Client) receive(e *fx, id transport.LegID, ms []bayeux.Message) {
	l := c.legs.Get(id)
	if l == nil {
		return
	}
	c.resent = false
	held := l.begin(e, ms)
	var connect *bayeux.Message
	var unknown error
	var bad *bayeux.Message // the first that could not be read
	read := 0
	for i := range ms {
		m := &ms[i]
		p := c.asked(id, m)
		switch {
		case m.Unreadable() != nil:
			if bad == nil {
				bad = m
			}
			read--
			if c.unreadable(e, id, l, m) && connect == nil {
				connect = m
			}
		case p != nil:
			if err := c.replied(e, id, p, m); err != nil {
				unknown = err
			}
		case m.IsEvent():
			c.event(e, id, l, m)
		case c.shake.leg != 0 && (c.shake.leg == id || m.ID != "") && m.Answers(&bayeux.Request{Channel: bayeux.MetaHandshake, ID: c.shake.id}):
			c.shaken(e, l, m)
		case c.cycle.leg == id && !l.cut && m.Answers(&bayeux.Request{Channel: bayeux.MetaConnect, ID: c.cycle.id}): // of a leg that was cut the events it closes were dropped
			connect = m
		case m.Channel == bayeux.MetaDisconnect && m.ID == "": // the server's own: Salesforce sends it without "successful"
			c.dismissed()
		case m.Channel == bayeux.MetaSubscribe || m.Channel == bayeux.MetaUnsubscribe: // to what was given up, or is sent again
			if err := c.repliedRequest(e, id, nil, m, c.said(m)); err != nil {
				unknown = err
			}
		default:
			c.stray++
		}
	}
	if read += len(ms); bad != nil {
		c.misread(e, id, bad, len(ms)-read)
	}
	c.cycle.understood = c.cycle.understood || read > 0
	if connect != nil {
		c.connected(e, l, connect)
	}
	l.end(e, held)
	if unknown != nil && !l.cut && c.id != "" {
		c.handshake(e, &OpError{Op: "command", Err: unknown})
	}
}

// End takes the end of a leg.
func (h handler) End(id transport.LegID, err *transport.Error) {
	h.c.step(func(e *fx) { h.c.ended(e, id, err) })
}

func (c *Client) ended(e *fx, id transport.LegID, err *transport.Error) {
	l := c.legs.Get(id)
	c.legs.Delete(id)
	if l != nil {
		c.heldBytes -= l.bytes
	}
	what := c.carried(id, l)
	lost := c.endOps(e, id, err)
	if err == nil && what == refusedCommands {
		c.shake.granted(what)
	}
	if c.shake.leg == id {
		c.shake.leg, c.shake.late, lost = 0, mono.Time{}, true
		c.ends(e, c.shake.x, bayeux.MetaHandshake, nil, causeOf(err))
	}
	useless := false
	if c.cycle.leg == id {
		c.ends(e, c.cycle.x, bayeux.MetaConnect, nil, causeOf(err))
		c.connectLost()
		lost, useless = true, c.uselessEnd(e, l, err)
	}
	// A warm connection is often dead after a network event, and nothing says
	// so until it is used: once, that is no failure.
	resend := err != nil && err.StaleConn && !c.resent
	if resend {
		c.resent, e.dead, c.failures.again = true, true, mono.Now()
	}
	smaller := l != nil && err != nil && len(err.TooLarge) > 1         // it was too much at once: that is no failure
	refused := l != nil && l.once && err != nil && err.TooLarge != nil // and nothing else happened
	if !c.ack && c.id != "" && err != nil && !err.Unsent && !refused && l != nil && !l.stale {
		c.doubts(l)
	}
	switch opened := l != nil; {
	case useless: // what waits at the server cannot be had: a new session tells so
		c.handshake(e, &OpError{Op: "connect", Err: causeOf(err)})
		return
	case err != nil && err.RetryNow:
		c.failures.until, c.failures.again = mono.Time{}, mono.Now()
	case opened && l.stale, resend, smaller:
	case lost || err != nil && (!opened || !l.once):
		c.lost(e, err, what)
	}
	c.draws(e)
}

// carried is what a sign-in was for on a leg; nil: it did not open.
func (c *Client) carried(id transport.LegID, l *leg) uint8 {
	switch {
	case l == nil:
		return refusedSocket
	case c.shake.leg == id:
		return refusedHandshake
	case l.connect:
		return refusedConnect
	}
	return refusedCommands
}

// lost is a failure of the transport; without a session yet, Dial's. A sign-in
// that HTTP refused (RFC 9110 section 15.5.2) the Credentials hook may mend.
func (c *Client) lost(e *fx, err *transport.Error, what uint8) {
	cause := causeOf(err)
	refused := err != nil && err.Status == http.StatusUnauthorized && err.Op != "proxy" && c.o.Credentials != nil
	switch {
	case refused && c.mends(what):
	case refused:
		c.stop(e, &OpError{Op: "credentials", Err: cause})
		return
	case c.sessions == 0 && !c.o.KeepDialing:
		c.stop(e, &OpError{Op: "dial", Err: cause})
		return
	}
	if c.id != "" && c.cycle.leg == 0 { // whatever was lost, ask soon for what there is
		c.cycle.ready, c.cycle.zero, c.cycle.due = true, true, mono.Time{}
	}
	c.fail(e, cause, floorOf(err))
}
