package client

import (
	"errors"
	"time"

	"github.com/turold/turold/bayeux"
	"github.com/turold/turold/internal/mono"
	"github.com/turold/turold/transport"
)

// unusedChannel is a channel that no client subscribes to.
const unusedChannel bayeux.Channel = "/turold/nowhere"

// drawConnect makes a connect for l, unless one is out or none is due.
func (c *Client) drawConnect(b []bayeux.Message, l transport.Leg, now mono.Time) []bayeux.Message {
	cs := &c.connect
	may, takesOver := cs.mayLeave(l.ID)
	if !may || c.disconnect != nil {
		return b
	}
	advised := c.advice.For(l.Type).Timeout
	if advised != nil && *advised == 0 { // or less: it is no hold, and what the server does is not said
		advised = nil
	}
	hold := cs.holdOf(l.Hold, advised, takesOver, c.ack)
	m := bayeux.Message{Channel: bayeux.MetaConnect, ID: newID()}
	m.Meta = &bayeux.Meta{ClientID: c.clientID, ConnectionType: l.Type, Advice: c.connectAdvice(hold, advised)}
	if c.ack {
		m.Ext = ackExt(c.batch)
	}
	cs.onSent(m.ID, l.ID, hold, advised, b != nil, now, c.options.NetworkDelay)
	cs.attempt = c.startAttempt(m, l.Type, now)
	return append(b, m)
}

// connectAdvice returns the advice of a connect: how long it may be held, if the server
// would hold it otherwise, and how much longer the session should live.
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

// mergeAdvice merges what the server advises, and returns what that says of reconnecting.
// CometD sends the lease that we ask for back as its interval: that is no advice.
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

// advisedInterval returns the advised pause before the next connect or handshake.
func (c *Client) advisedInterval() time.Duration {
	if d := c.advice.For(c.carrier).Interval; d != nil {
		return min(*d, maxAdvisedPause)
	}
	return 0
}

// onServerDisconnect takes a /meta/disconnect that the server sent by itself. The
// advice of the connect's reply is what counts, and it follows at once; if it
// does not, the next connect finds out.
func (c *Client) onServerDisconnect() {
	c.connect.hasten(mono.Now().Add(c.options.NetworkDelay))
}

// onConnectReply takes the reply to the connect that is out on l.
func (c *Client) onConnectReply(fx *effects, l *leg, m *bayeux.Message) {
	cs := &c.connect
	now := mono.Now()
	c.releaseHeld(fx, l, m)
	took, empty := cs.onReply(now)
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
		l.maybeConnectReply = false
		c.onConnectGranted(fx, l, now, took, empty)
	}
}

// onConnectGranted goes on with a connect that the server granted.
func (c *Client) onConnectGranted(fx *effects, l *leg, now mono.Time, took time.Duration, empty bool) {
	c.carrier, c.hasConnected = l.kind, true
	c.handshake.onGranted(signInConnect)
	if !l.once {
		c.handshake.onGranted(signInSocket)
	}
	c.backoff.onRecovered(now)
	if empty {
		c.outbox.releaseIdle()
	}
	c.setState(fx, StateConnected, nil)
	c.connect.onGranted(now, took, empty, c.advisedInterval(), c.options.NetworkDelay)
	c.wakeLanes(fx)
}

// isUsable reports whether a reply to a connect that could not be read whole says
// enough: that it is granted, and what it acknowledges.
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

// onUselessReply counts a reply to a connect that came and could not be used, and
// reports whether a new session is due. With acknowledgement a server sends the
// same again, all that was not acknowledged, and would for ever. Where nothing
// that it says can be read it is not the session that is at fault: that is an
// outage. A session without other commands asks the server something of no effect, to
// tell the two apart; once, because a command by HTTP ends the lease of the session,
// and pauses become longer than what is left of it.
func (c *Client) onUselessReply(fx *effects) bool {
	renew, probe := c.connect.onUselessReply(mono.Now(), c.disconnect == nil && c.outbox.unsettled() == 0)
	if probe {
		p := c.outbox.newOp(bayeux.Message{Channel: bayeux.MetaUnsubscribe})
		p.topic = unusedChannel
		c.enqueue(fx, p)
	}
	return renew && c.disconnect == nil
}

func isUnknown(err error) bool { return errors.Is(err, bayeux.ErrUnknownSession) }

func orStale(err error) error {
	if err == nil {
		return errStale
	}
	return err
}
