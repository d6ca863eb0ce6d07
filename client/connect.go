package client

import (
	"errors"
	"time"

	"github.com/turold/turold/bayeux"
	"github.com/turold/turold/internal/mono"
	"github.com/turold/turold/transport"
)

const (
	firstConnectDelay = 50 * time.Millisecond  // how long the first connect waits for a command to ride with
	unadvisedHold     = 110 * time.Second      // the hold of servers that do not say: Salesforce's
	quickReplyTime    = 100 * time.Millisecond // sooner an empty reply was not held
	quickRepliesFree  = 3                      // quick empty replies in a row before the client slows down
	uselessPeriod     = 10 * time.Second       // for answers to connects that cannot be used: another transport may bring them otherwise
	maxUselessReplies = 3                      // of them in a row, at least

	// unusedChannel is a channel that nobody subscribes to.
	unusedChannel bayeux.Channel = "/turold/nowhere"
)

// A connectState is the one outstanding /meta/connect, and when the next may leave.
type connectState struct {
	id       string
	leg      transport.LegID // zero: none is out
	sentAt   mono.Time
	hold     time.Duration // asked for
	deadline mono.Time     // while it is out
	attempt  attempt

	dueAt         mono.Time // when the next is ready; zero: not by time
	ready         bool      // the next may leave
	noHold        bool      // and asks for no hold: the last got no reply
	awaitsCommand bool      // it may ride with the first command
	withCommands  bool      // the one that is out rides with commands
	gotEvents     bool      // some came since it left
	holdObeyed    bool      // the server answered within the hold asked for

	gotReadable    bool      // something that could be read came since the first useless answer
	uselessReplies uint8     // answers in a row that could not be used, up to maxUseless; one more: and something else was asked
	uselessSince   mono.Time // since when, if there are any
	quickReplies   int       // quick empty replies in a row
}

// drawConnect makes a connect for l, unless one is out or none is due. One
// that is out on another leg is taken over: whoever opened l wants it there.
func (c *Client) drawConnect(b []bayeux.Message, l transport.Leg, now mono.Time) []bayeux.Message {
	cs := &c.connect
	moves := cs.leg != 0 && cs.leg != l.ID && !cs.withCommands
	if c.disconnect != nil || cs.leg != 0 && !moves || cs.leg == 0 && !cs.ready {
		return b
	}
	advised := c.advice.For(l.Type).Timeout
	if advised != nil && *advised == 0 { // or less: it is no hold, and what the server does is not said
		advised = nil
	}
	cs.hold = l.Hold
	if advised != nil {
		cs.hold = min(l.Hold, *advised)
	}
	if cs.noHold && !moves || moves && c.ack {
		cs.hold = 0
	}
	m := bayeux.Message{Channel: bayeux.MetaConnect, ID: newID()}
	m.Meta = &bayeux.Meta{ClientID: c.clientID, ConnectionType: l.Type, Advice: c.connectAdvice(cs.hold, advised)}
	if c.ack {
		m.Ext = ackExt(c.batch)
	}
	longest := cs.hold
	if cs.hold > 0 && !cs.holdObeyed { // until it has shown to heed us, the server's own hold may be what counts
		longest = max(longest, unadvisedHold)
		if advised != nil {
			longest = max(cs.hold, *advised)
		}
	}
	cs.id, cs.leg, cs.sentAt, cs.deadline = m.ID, l.ID, now, now.Add(longest).Add(c.options.NetworkDelay)
	cs.dueAt, cs.ready, cs.awaitsCommand, cs.withCommands, cs.noHold, cs.gotEvents = mono.Time{}, false, false, b != nil, true, false
	cs.attempt = c.startAttempt(m, l.Type, now)
	return append(b, m)
}

// connectAdvice is the advice of a connect: how long it may be held, if the server
// would do otherwise, and how much longer the session should live.
func (c *Client) connectAdvice(hold time.Duration, advised *time.Duration) *bayeux.Advice {
	var a bayeux.Advice
	if advised == nil || hold != *advised {
		a.Timeout = bayeux.Millis(hold)
	}
	if c.options.Lease > 0 {
		a.Interval = bayeux.Millis(c.options.Lease)
	}
	if a.Timeout == nil && a.Interval == nil {
		return nil
	}
	return &a
}

// mergeAdvice merges what the server advises. CometD sends the lease we ask for
// back as its interval: that is no advice.
func (c *Client) mergeAdvice(m *bayeux.Message, kind string) bayeux.Reconnect {
	a := m.Advice()
	if a == nil {
		return ""
	}
	told := *a
	if m.Channel == bayeux.MetaConnect && told.Interval != nil && *told.Interval == c.options.Lease && c.advisedInterval() != c.options.Lease {
		told.Interval = nil
	}
	c.advice = c.advice.Merge(told)
	return told.For(kind).Reconnect
}

// advisedInterval is the advised pause before the next connect or handshake.
func (c *Client) advisedInterval() time.Duration {
	if d := c.advice.For(c.carrier).Interval; d != nil {
		return min(*d, maxAdvisedPause)
	}
	return 0
}

// onServerDisconnect is told of a /meta/disconnect that the server sent by itself. The
// advice of the connect's reply is what counts, and it follows at once; if it
// does not, the next connect finds out.
func (c *Client) onServerDisconnect() {
	cs := &c.connect
	if soon := mono.Now().Add(c.options.NetworkDelay); cs.leg != 0 && soon.Before(cs.deadline) {
		cs.deadline = soon
	}
}

// onConnectReply takes the reply to the connect that is out on l.
func (c *Client) onConnectReply(fx *effects, l *leg, m *bayeux.Message) {
	cs := &c.connect
	took := mono.Since(cs.sentAt)
	c.releaseHeld(fx, l, m)
	empty := !cs.gotEvents
	cs.leg, cs.id, cs.deadline, cs.ready = 0, "", mono.Time{}, true
	advised, err := c.mergeAdvice(m, l.kind), c.replyError(m)
	if m.Unreadable() != nil && !c.isUsable(m) {
		err = m.Unreadable()
	}
	c.endAttempt(fx, cs.attempt, m.Channel, m, err)
	switch {
	case c.disconnect != nil:
	case advised == bayeux.ReconnectNone && err == nil:
		c.endForGood(fx, ErrServerEnded)
	case advised == bayeux.ReconnectNone:
		c.endForGood(fx, &OpError{Op: "connect", Err: err})
	case isUnknown(err), advised == bayeux.ReconnectHandshake:
		c.renewSession(fx, &OpError{Op: "connect", Err: orStale(err)})
	case errors.Is(err, bayeux.ErrUnauthorized) && advised == "":
		if !c.retrySignIn(signInConnect) && c.options.Credentials != nil {
			c.endForGood(fx, &OpError{Op: "connect", Err: err})
			return
		}
		c.renewSession(fx, &OpError{Op: "connect", Err: err})
	case m.Unreadable() != nil && err != nil && c.onUselessReply(fx):
		c.renewSession(fx, &OpError{Op: "connect", Err: err})
	case err != nil:
		c.onFailure(fx, &OpError{Op: "connect", Err: err}, c.advisedInterval())
	default:
		c.carrier, cs.noHold, cs.uselessReplies, l.maybeConnectReply = l.kind, false, 0, false
		cs.holdObeyed = cs.holdObeyed || empty && cs.hold > 0 && took-cs.hold <= c.options.NetworkDelay
		c.hasConnected = true
		c.handshake.onGranted(signInConnect)
		if !l.once {
			c.handshake.onGranted(signInSocket)
		}
		c.backoff.onRecovered(mono.Now())
		if empty {
			c.outbox.releaseIdle()
		}
		c.setState(fx, StateConnected, nil)
		c.scheduleConnect(empty, took)
		c.wakeLanes(fx)
	}
}

// scheduleConnect says when the next connect is due. A server that answers at once with
// nothing, time and again, is asked less and less often.
func (c *Client) scheduleConnect(empty bool, took time.Duration) {
	cs := &c.connect
	pause := c.advisedInterval()
	if empty && cs.hold > quickReplyTime && took < quickReplyTime && pause == 0 {
		if cs.quickReplies++; cs.quickReplies > quickRepliesFree {
			pause = min(maxFirstPause<<min(cs.quickReplies-quickRepliesFree-1, 6), maxEarlyPause)
		}
	} else {
		cs.quickReplies = 0
	}
	if pause > 0 {
		cs.ready, cs.dueAt = false, mono.Now().Add(pause)
	}
}

// isUsable reports whether a reply to a connect that could not be read whole says
// what it is for: that it is granted, and what it acknowledges.
func (c *Client) isUsable(m *bayeux.Message) bool {
	_, ok := ackOf(m.Ext)
	return m.Meta.Successful && (ok || !c.ack)
}

// onUselessEnd reports whether the end of the leg a connect was out on makes a new
// session due. Besides answers that cannot be used, that is so where more waits for one reply than
// the limits allow: a socket brings a backlog in pieces, and there is nothing else when that is too much.
func (c *Client) onUselessEnd(fx *effects, l *leg, err *transport.Error) bool {
	switch {
	case err != nil && c.ack && errors.Is(err, errAckHeld):
		return true
	case err != nil && (err.Op == "decode" || errors.Is(err, bayeux.ErrTooLarge)), l != nil && l.maybeConnectReply:
		return c.onUselessReply(fx)
	}
	return false
}

// onUselessReply counts an answer to a connect that came and could not be used, and
// reports whether a new session is due. With acknowledgement a server sends the
// same again, all that was not acknowledged, and would for ever. Where nothing
// that it says can be read it is not the session that is at fault: that is an
// outage. Who has nothing else to ask asks something of no effect, to tell the two apart.
func (c *Client) onUselessReply(fx *effects) bool {
	cs := &c.connect
	if cs.uselessReplies == 0 {
		cs.uselessSince, cs.gotReadable = mono.Now(), false
	}
	cs.uselessReplies = max(cs.uselessReplies, min(cs.uselessReplies+1, maxUselessReplies))
	if cs.uselessReplies < maxUselessReplies || mono.Since(cs.uselessSince) < uselessPeriod || c.disconnect != nil {
		return false
	}
	if !cs.gotReadable && cs.uselessReplies == maxUselessReplies && c.outbox.unsettled() == 0 {
		// Once: a command by HTTP ends the lease of the session, and pauses become longer than what is left.
		cs.uselessReplies++
		p := c.outbox.newOp(bayeux.Message{Channel: bayeux.MetaUnsubscribe})
		p.topic = unusedChannel
		c.enqueue(fx, p)
	}
	return cs.gotReadable
}

// onConnectLost is told that the connect that was out gets no reply.
func (c *Client) onConnectLost() {
	cs := &c.connect
	cs.leg, cs.id, cs.deadline = 0, "", mono.Time{}
	cs.ready, cs.noHold = true, true
}

func isUnknown(err error) bool { return errors.Is(err, bayeux.ErrUnknownSession) }

func orStale(err error) error {
	if err == nil {
		return errStale
	}
	return err
}
