package fallback

import (
	"github.com/turold/turold/internal/mono"
	"github.com/turold/turold/transport"
)

// onEnd decides after the end of a leg. What is passed on counts as out until
// that is done.
func (f *wsFirst) onEnd(fx *effects, e event) {
	if e.pipe == httpPipe {
		fx.pass = true
		f.onHTTPEnd(fx, e)
	} else {
		fx.pass = f.onSocketEnd(e)
		fx.retryNow = fx.pass && f.phase == socketLeaving && !f.httpFailed
	}
	if fx.pass {
		f.requestsOf(e.leg)
	}
}

// httpEnded: HTTP that fails before it ever answered has failed as the socket
// did, unless its other lane is still out. A connection that was dead before it
// was used shows nothing.
func (f *wsFirst) onHTTPEnd(fx *effects, e event) {
	switch {
	case f.phase != httpTrying:
	case e.err == nil:
		f.onHTTPAnswer(fx)
	case !e.err.StaleConn && f.isLastLeg(e.leg):
		f.phase, f.httpFailed = httpLeaving, true
	}
}

// isLastLeg reports whether no other leg is out.
func (f *wsFirst) isLastLeg(id transport.LegID) bool {
	_, known := f.legs[id]
	return len(f.legs) == 0 || known && len(f.legs) == 1
}

// onSocketEnd reports whether the end concerns the Handler: it knows the legs
// that it gave something to, and waits for those that should open.
func (f *wsFirst) onSocketEnd(e event) bool {
	_, known := f.legs[e.leg]
	switch {
	case f.phase == firstClosed:
		return known
	case e.leg == f.unusedSocket:
		f.unusedSocket = 0
		return false
	case e.leg == f.socketLeg && f.phase == socketServing:
		f.phase, f.socketLeg = socketIdle, 0
		return true
	case e.leg == f.socketLeg:
		f.socketLeg = 0
		f.onSocketFailed(e)
		return true
	case known: // it was given up before
		return true
	case f.phase == socketIdle, f.phase == socketOpening:
		f.onSocketFailed(e)
		return f.phase == socketIdle || f.httpFailed // with HTTP to try the Handler has nothing to wait for
	}
	return false // HTTP draws, or another socket does
}

// onSocketFailed looks for the reason why a socket came to nothing, and leaves it if
// there is one.
func (f *wsFirst) onSocketFailed(e event) {
	if reason := reasonOf(e.err, e.sameHost); reason != "" {
		f.leaveSocket(reason, e.err, e.now)
		return
	}
	f.phase, f.patienceEndAt = socketIdle, mono.Time{}
}

// reasonOf says what the end of a socket that never answered shows of sockets;
// empty: nothing. What both pipes need alike is the network's failure.
func reasonOf(err *transport.Error, shared bool) Reason {
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

func dialReason(shared bool) Reason {
	if shared {
		return ""
	}
	return ReasonDial
}
