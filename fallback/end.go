package fallback

import (
	"github.com/turold/turold/internal/mono"
	"github.com/turold/turold/transport"
)

// ended decides after the end of a leg. What is passed on counts as out until
// that is done.
func (c *choice) ended(fx *effects, e event) {
	if e.pipe == onHTTP {
		fx.pass = true
		c.httpEnded(fx, e)
	} else {
		fx.pass = c.socketEnded(e)
		fx.elsewhere = fx.pass && c.at == leaving && !c.down
	}
	if fx.pass {
		c.known(e.leg)
	}
}

// httpEnded: HTTP that fails before it ever answered has failed as the socket
// did, unless its other lane is still out. A connection that was dead before it
// was used shows nothing.
func (c *choice) httpEnded(fx *effects, e event) {
	switch {
	case c.at != trying:
	case e.err == nil:
		c.polls(fx)
	case !e.err.StaleConn && c.last(e.leg):
		c.at, c.down = returning, true
	}
}

// last reports whether no other leg is out.
func (c *choice) last(id transport.LegID) bool {
	_, known := c.out[id]
	return len(c.out) == 0 || known && len(c.out) == 1
}

// socketEnded reports whether the end concerns the Handler: it knows the legs
// that it gave something to, and waits for those that should open.
func (c *choice) socketEnded(e event) bool {
	_, known := c.out[e.leg]
	switch {
	case c.at == closed:
		return known
	case e.leg == c.virgin:
		c.virgin = 0
		return false
	case e.leg == c.leg && c.at == serving:
		c.at, c.leg = idle, 0
		return true
	case e.leg == c.leg:
		c.leg = 0
		c.fail(e)
		return true
	case known: // it was given up before
		return true
	case c.at == idle, c.at == opening:
		c.fail(e)
		return c.at == idle || c.down // with HTTP to try the Handler has nothing to wait for
	}
	return false // HTTP draws, or another socket does
}

// fail looks for the reason why a socket came to nothing, and leaves it if
// there is one.
func (c *choice) fail(e event) {
	if reason := reasonOf(e.err, e.shared); reason != "" {
		c.leave(reason, e.err, e.now)
		return
	}
	c.at, c.deadline = idle, mono.Time{}
}

// reasonOf says what the end of a socket that never answered shows of sockets;
// empty: nothing. What both pipes need alike is the network's failure.
func reasonOf(err *transport.Error, shared bool) string {
	if err == nil {
		return ""
	}
	switch err.Op {
	case "upgrade":
		return ReasonRefused
	case "proxy":
		if err.Status != 0 {
			return ReasonRefused
		}
		return dialReason(shared)
	case "dial", "tls":
		return dialReason(shared)
	case "decode", "close":
		return ReasonWrong
	case "cut", "drain":
		return ""
	}
	return ReasonLost
}

func dialReason(shared bool) string {
	if shared {
		return ""
	}
	return ReasonDial
}
