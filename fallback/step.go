package fallback

import (
	"errors"

	"github.com/turold/turold/internal/mono"
	"github.com/turold/turold/transport"
)

var (
	errHang = errors.New("fallback: the WebSocket does not open")
	errMute = errors.New("fallback: the WebSocket does not answer")
)

// woken sends a Wake to the pipe that draws. One that meets a turning valve is
// kept until it is turned.
func (c *choice) woken(fx *effects, e event) {
	switch c.at {
	case idle:
		c.open(fx, e.lane, e.now)
	case opening, proving, serving:
		fx.wake[onSocket][e.lane] = true
	case leaving, returning:
		c.pending[e.lane] = true
	case polling:
		// A handshake cuts what it finds, so nothing of the old session is out.
		if e.lane == transport.LaneCommands && c.fresh && len(c.out) == 0 && !c.unwanted && c.rested(e.now) {
			c.fresh = false
			c.open(fx, e.lane, e.now)
			return
		}
		fx.wake[onHTTP][e.lane] = true
	case trying:
		fx.wake[onHTTP][e.lane] = true
	}
}

func (c *choice) rested(now mono.Moment) bool {
	return c.failed.IsZero() || now.Sub(c.failed) >= redial
}

// open wakes the socket. An open one asks at once, another is dialled.
func (c *choice) open(fx *effects, lane transport.Lane, now mono.Moment) {
	c.at, c.deadline = opening, now.Add(c.patience)
	fx.wake[onSocket][lane] = true
}

// mayDraw says whether the leg may ask the Handler, and takes it down as out:
// a draw in progress keeps the other pipe shut.
func (c *choice) mayDraw(fx *effects, e event) bool {
	owes := c.out[e.leg]
	carries := owes != nil
	if e.pipe == onHTTP {
		if c.at != trying && c.at != polling {
			return false
		}
		c.out[e.leg] = owes
		return true
	}
	switch c.at {
	case idle, opening, proving, serving:
	case leaving, trying, polling:
		if !carries {
			c.virgin = e.leg
			fx.drain = e.leg
		}
		return false
	default:
		return false
	}
	c.out[e.leg] = owes
	if !carries {
		c.virgin = e.leg
	}
	if c.at == opening && !carries { // one that carries was dropped: it is not the one that opens
		c.at, c.deadline = idle, mono.Time{}
	}
	return true
}

// drew takes down what the Handler gave to a leg.
func (c *choice) drew(fx *effects, e event) {
	if len(e.batch) == 0 {
		if c.out[e.leg] == nil {
			delete(c.out, e.leg)
		}
		c.settle(fx, e.now)
		return
	}
	c.known(e.leg).leaves(e.batch)
	if e.pipe == onHTTP {
		c.fresh = c.fresh && !shakes(e.batch)
		return
	}
	if c.virgin == e.leg {
		c.virgin = 0
	}
	switch c.at {
	case leaving: // it was given up while it drew
		fx.cut, fx.cause = e.leg, c.evidence
	case idle, opening, proving, serving:
		if c.leg != e.leg {
			c.at, c.leg, c.deadline = proving, e.leg, mono.Time{}
		}
		if c.at == proving && c.deadline.IsZero() && prompt(e.batch) {
			c.deadline = e.now.Add(c.patience)
			if c.since.IsZero() {
				c.since = e.now.Time
			}
		}
	}
}

// brought looks at what a pipe hands up: the first answer is what decides.
func (c *choice) brought(fx *effects, e event) {
	fx.pass = e.leg != c.virgin
	var a account
	if owes := c.out[e.leg]; owes != nil {
		a = owes.arrives(e.batch)
	}
	switch {
	case e.pipe == onSocket:
		if c.at == proving && e.leg == c.leg && a.answered {
			c.at, c.deadline, c.since, c.down = serving, mono.Time{}, mono.Time{}, false
			c.tell(fx, transport.WebSocket, ReasonBack, nil)
		}
	case c.at == trying:
		c.polls(fx)
		fallthrough
	case c.at == polling:
		c.read(a)
	}
}

// polls is the first answer on HTTP. If HTTP had failed as well since the
// socket did, that failure says nothing of the socket.
func (c *choice) polls(fx *effects) {
	c.at = polling
	if c.down {
		c.down, c.failed = false, mono.Time{}
	}
	c.tell(fx, transport.LongPolling, c.reason, c.evidence)
}

// read takes what the replies by HTTP say of the session.
func (c *choice) read(a account) {
	c.fresh = c.fresh || a.forgotten
	if types, ok := offered(a.shake); ok {
		c.unwanted = !types
	}
}

// known is the ledger of a leg that the Handler knows.
func (c *choice) known(id transport.LegID) *ledger {
	if c.out[id] == nil {
		c.out[id] = new(ledger)
	}
	return c.out[id]
}

// tell makes a Decision if the transport is another than before.
func (c *choice) tell(fx *effects, to, reason string, evidence error) {
	if c.carrier == to {
		return
	}
	if c.carrier == "" && to == transport.WebSocket {
		reason = ReasonFirst
	}
	fx.told = append(fx.told, Decision{Transport: to, From: c.carrier, To: to, Reason: reason, Err: evidence})
	c.carrier = to
}

// dropped is told that the Handler has given a leg up. Sockets that are given
// up before they answer, one after the other, have in the end used up the
// patience as one that is waited for.
func (c *choice) dropped(e event) {
	if e.leg != c.leg || c.at != proving && c.at != serving {
		return
	}
	if !c.since.IsZero() && e.now.Sub(c.since) >= c.patience {
		c.leave(ReasonMute, errMute, e.now)
		return
	}
	c.at, c.leg, c.deadline = idle, 0, mono.Time{}
}

// late ends the patience.
func (c *choice) late(fx *effects, e event) {
	if c.deadline.IsZero() || e.now.Before(c.deadline) {
		return
	}
	switch c.at {
	case opening: // the dial goes on, and is turned away if it comes to something
		c.leave(ReasonHang, errHang, e.now)
		c.settle(fx, e.now)
	case proving:
		fx.cut, fx.cause = c.leg, errMute
		c.leave(ReasonMute, errMute, e.now)
	}
}

// leave gives the socket up.
func (c *choice) leave(reason string, evidence error, now mono.Moment) {
	c.at, c.leg, c.deadline, c.since = leaving, 0, mono.Time{}, mono.Time{}
	c.failed, c.reason, c.evidence = now.Time, reason, evidence
}

// settle ends a turn when nothing is out any more.
func (c *choice) settle(fx *effects, now mono.Moment) {
	if len(c.out) > 0 {
		return
	}
	pending := c.pending
	switch c.at {
	case leaving:
		c.at, c.pending = trying, [2]bool{}
		fx.wake[onHTTP] = [2]bool{true, true}
	case returning:
		c.at, c.pending = idle, [2]bool{}
		for lane, was := range pending { // others would dial unasked
			if was {
				c.open(fx, transport.Lane(lane), now)
			}
		}
	}
}
