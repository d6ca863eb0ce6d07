package fallback

import (
	"github.com/turold/turold/internal/mono"
	"github.com/turold/turold/transport"
)

// onEnd decides after the end of a leg. One whose End goes to the Handler counts as
// out until the Handler has it.
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

// onHTTPEnd decides after an exchange: HTTP that fails before it ever answered has failed as the socket
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
