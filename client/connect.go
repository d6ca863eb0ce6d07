package client

import (
	"errors"
	"time"

	"github.com/turold/turold/bayeux"
	"github.com/turold/turold/internal/mono"
	"github.com/turold/turold/transport"
)

const (
	firstWait   = 50 * time.Millisecond  // how long the first connect waits for a command to ride with
	unadvised   = 110 * time.Second      // the hold of servers that do not say: Salesforce's
	quickReply  = 100 * time.Millisecond // sooner an empty reply was not held
	quickFree   = 3                      // quick empty replies in a row before the client slows down
	uselessTime = 10 * time.Second       // for answers to connects that cannot be used: another transport may bring them otherwise
	maxUseless  = 3                      // of them in a row, at least

	// nowhere is a channel that nobody subscribes to.
	nowhere bayeux.Channel = "/turold/nowhere"
)

// A cycle is the one outstanding /meta/connect, and when the next may leave.
type cycle struct {
	id   string
	leg  transport.LegID // zero: none is out
	sent mono.Time
	hold time.Duration // asked for
	late mono.Time     // while it is out
	x    attempt

	due    mono.Time // when the next is ready; zero: not by time
	ready  bool      // the next may leave
	zero   bool      // and asks for no hold: the last got no reply
	first  bool      // it may ride with the first command
	ride   bool      // the one that is out rides with commands
	events bool      // some came since it left
	obeyed bool      // the server answered within the hold asked for

	understood bool      // something that could be read came since the first useless answer
	useless    uint8     // answers in a row that could not be used, up to maxUseless; one more: and something else was asked
	uselessly  mono.Time // since when, if there are any
	quick      int       // quick empty replies in a row
}

// drawConnect makes a connect for l, unless one is out or none is due. One
// that is out on another leg is taken over: whoever opened l wants it there.
func (c *Client) drawConnect(b []bayeux.Message, l transport.Leg, now mono.Time) []bayeux.Message {
	y := &c.cycle
	moves := y.leg != 0 && y.leg != l.ID && !y.ride
	if c.leaving != nil || y.leg != 0 && !moves || y.leg == 0 && !y.ready {
		return b
	}
	advised := c.advice.For(l.Type).Timeout
	if advised != nil && *advised == 0 { // or less: it is no hold, and what the server does is not said
		advised = nil
	}
	y.hold = l.Hold
	if advised != nil {
		y.hold = min(l.Hold, *advised)
	}
	if y.zero && !moves || moves && c.ack {
		y.hold = 0
	}
	m := bayeux.Message{Channel: bayeux.MetaConnect, ID: newID()}
	m.Meta = &bayeux.Meta{ClientID: c.id, ConnectionType: l.Type, Advice: c.wishes(y.hold, advised)}
	if c.ack {
		m.Ext = ackExt(c.batch)
	}
	longest := y.hold
	if y.hold > 0 && !y.obeyed { // until it has shown to heed us, the server's own hold may be what counts
		longest = max(longest, unadvised)
		if advised != nil {
			longest = max(y.hold, *advised)
		}
	}
	y.id, y.leg, y.sent, y.late = m.ID, l.ID, now, now.Add(longest).Add(c.o.NetworkDelay)
	y.due, y.ready, y.first, y.ride, y.zero, y.events = mono.Time{}, false, false, b != nil, true, false
	y.x = c.begins(m, l.Type, now)
	return append(b, m)
}

// wishes is the advice of a connect: how long it may be held, if the server
// would do otherwise, and how much longer the session should live.
func (c *Client) wishes(hold time.Duration, advised *time.Duration) *bayeux.Advice {
	var a bayeux.Advice
	if advised == nil || hold != *advised {
		a.Timeout = bayeux.Millis(hold)
	}
	if c.o.Lease > 0 {
		a.Interval = bayeux.Millis(c.o.Lease)
	}
	if a.Timeout == nil && a.Interval == nil {
		return nil
	}
	return &a
}

// advise merges what the server advises. CometD sends the lease we ask for
// back as its interval: that is no advice.
func (c *Client) advise(m *bayeux.Message, kind string) bayeux.Reconnect {
	a := m.Advice()
	if a == nil {
		return ""
	}
	told := *a
	if m.Channel == bayeux.MetaConnect && told.Interval != nil && *told.Interval == c.o.Lease && c.interval() != c.o.Lease {
		told.Interval = nil
	}
	c.advice = c.advice.Merge(told)
	return told.For(kind).Reconnect
}

// interval is the advised pause before the next connect or handshake.
func (c *Client) interval() time.Duration {
	if d := c.advice.For(c.carry).Interval; d != nil {
		return min(*d, longestWish)
	}
	return 0
}

// dismissed is told of a /meta/disconnect that the server sent by itself. The
// advice of the connect's reply is what counts, and it follows at once; if it
// does not, the next connect finds out.
func (c *Client) dismissed() {
	y := &c.cycle
	if soon := mono.Now().Add(c.o.NetworkDelay); y.leg != 0 && soon.Before(y.late) {
		y.late = soon
	}
}

// connected takes the reply to the connect that is out on l.
func (c *Client) connected(e *fx, l *leg, m *bayeux.Message) {
	y := &c.cycle
	took := mono.Since(y.sent)
	c.release(e, l, m)
	empty := !y.events
	y.leg, y.id, y.late, y.ready = 0, "", mono.Time{}, true
	advised, err := c.advise(m, l.kind), c.said(m)
	if m.Unreadable() != nil && !c.usable(m) {
		err = m.Unreadable()
	}
	c.ends(e, y.x, m.Channel, m, err)
	switch {
	case c.leaving != nil:
	case advised == bayeux.ReconnectNone && err == nil:
		c.stop(e, ErrLeft)
	case advised == bayeux.ReconnectNone:
		c.stop(e, &OpError{Op: "connect", Err: err})
	case isUnknown(err), advised == bayeux.ReconnectHandshake:
		c.handshake(e, &OpError{Op: "connect", Err: orStale(err)})
	case errors.Is(err, bayeux.ErrUnauthorized) && advised == "":
		if !c.mends(refusedConnect) && c.o.Credentials != nil {
			c.stop(e, &OpError{Op: "connect", Err: err})
			return
		}
		c.handshake(e, &OpError{Op: "connect", Err: err})
	case m.Unreadable() != nil && err != nil && c.uselessAnswer(e):
		c.handshake(e, &OpError{Op: "connect", Err: err})
	case err != nil:
		c.fail(e, &OpError{Op: "connect", Err: err}, c.interval())
	default:
		c.carry, y.zero, y.useless, l.vague = l.kind, false, 0, false
		y.obeyed = y.obeyed || empty && y.hold > 0 && took-y.hold <= c.o.NetworkDelay
		c.lived = true
		c.shake.granted(refusedConnect)
		if !l.once {
			c.shake.granted(refusedSocket)
		}
		c.recovered()
		if empty {
			c.out.rest()
		}
		c.turn(e, Connected, nil)
		c.again(empty, took)
		c.draws(e)
	}
}

// again says when the next connect is due. A server that answers at once with
// nothing, time and again, is asked less and less often.
func (c *Client) again(empty bool, took time.Duration) {
	y := &c.cycle
	pause := c.interval()
	if empty && y.hold > quickReply && took < quickReply && pause == 0 {
		if y.quick++; y.quick > quickFree {
			pause = min(firstRetry<<min(y.quick-quickFree-1, 6), shortPause)
		}
	} else {
		y.quick = 0
	}
	if pause > 0 {
		y.ready, y.due = false, mono.Now().Add(pause)
	}
}

// usable reports whether a reply to a connect that could not be read whole says
// what it is for: that it is granted, and what it acknowledges.
func (c *Client) usable(m *bayeux.Message) bool {
	_, ok := ackOf(m.Ext)
	return m.Meta.Successful && (ok || !c.ack)
}

// uselessEnd reports whether the end of the leg a connect was out on makes a new
// session due. Besides answers that cannot be used, that is so where more waits for one reply than
// the limits allow: a socket brings a backlog in pieces, and there is nothing else when that is too much.
func (c *Client) uselessEnd(e *fx, l *leg, err *transport.Error) bool {
	switch {
	case err != nil && c.ack && errors.Is(err, errAckHeld):
		return true
	case err != nil && (err.Op == "decode" || errors.Is(err, bayeux.ErrTooLarge)), l != nil && l.vague:
		return c.uselessAnswer(e)
	}
	return false
}

// uselessAnswer counts an answer to a connect that came and could not be used, and
// reports whether a new session is due. With acknowledgement a server sends the
// same again, all that was not acknowledged, and would for ever. Where nothing
// that it says can be read it is not the session that is at fault: that is an
// outage. Who has nothing else to ask asks something of no effect, to tell the two apart.
func (c *Client) uselessAnswer(e *fx) bool {
	y := &c.cycle
	if y.useless == 0 {
		y.uselessly, y.understood = mono.Now(), false
	}
	y.useless = max(y.useless, min(y.useless+1, maxUseless))
	if y.useless < maxUseless || mono.Since(y.uselessly) < uselessTime || c.leaving != nil {
		return false
	}
	if !y.understood && y.useless == maxUseless && c.out.unsettled() == 0 {
		// Once: a command by HTTP ends the lease of the session, and pauses become longer than what is left.
		y.useless++
		p := c.newOp(bayeux.Message{Channel: bayeux.MetaUnsubscribe})
		p.sub = nowhere
		c.push(e, p)
	}
	return y.understood
}

// connectLost is told that the connect that was out gets no reply.
func (c *Client) connectLost() {
	y := &c.cycle
	y.leg, y.id, y.late = 0, "", mono.Time{}
	y.ready, y.zero = true, true
}

func isUnknown(err error) bool { return errors.Is(err, bayeux.ErrUnknownSession) }

func orStale(err error) error {
	if err == nil {
		return errStale
	}
	return err
}
