package fallback

import (
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/turold/turold/internal/mono"
	"github.com/turold/turold/transport"
)

// A socket that works is left before something on the path cuts it for its age.
// Its connect ends and is not asked for again; the replies that it owes come; then
// HTTP asks for the connect with a short hold, not none: on CometD only a connect
// that is held takes the pushes off a socket. The socket is read on for a
// while, and what HTTP brings meanwhile waits, so that the Handler gets first
// what the server sent first.

const (
	oldSocketLimit = 300 * time.Millisecond // how long a socket that was left is read, before the closing handshake
	minQuiet       = 50 * time.Millisecond  // of its silence, after which nothing more is expected of it
)

// rotationAge is the age at which a socket is left that becomes life old. It
// varies, so that not all sessions move at once.
func rotationAge(life time.Duration) time.Duration {
	return time.Duration(float64(life) * (rotationRatio - 0.1*rand.Float64()))
}

// onRotationDue asks whether HTTP works, before the session leaves a socket that
// does. A socket that it left before has to end first: the Handler is to hear of
// that.
func (a *auto) onRotationDue(fx *effects, now mono.Moment) {
	switch {
	case a.phase != onWebSocket || !a.ws.stage.isOpen() || a.ws.bound:
	case a.rotation.oldLeg != 0:
		a.rotation.dueAt = now.Add(oldSocketLimit)
	default:
		a.rotation.checkHTTP = true
		fx.wake[httpPipe][transport.LaneCommands] = true
	}
}

// onRotationCheck takes the end of the exchange that asked whether HTTP works.
func (a *auto) onRotationCheck(fx *effects, e event) {
	a.rotation.checkHTTP = false
	if a.phase != onWebSocket {
		return
	}
	if e.err != nil { // the socket is all there is
		a.rotation.dueAt = e.now.Add(retryPause)
		return
	}
	a.phase = finishingConnect
	a.advanceRotation(fx, e.now)
}

// advanceRotation goes on when the connect has ended, and none is being drawn, and
// then when every reply has come.
func (a *auto) advanceRotation(fx *effects, now mono.Moment) {
	if a.phase == finishingConnect && a.ws.requests.connect.ID == "" && !a.ws.drawing {
		a.phase, a.phaseEndAt = awaitingReplies, now.Add(a.replyLimit())
	}
	if a.phase == awaitingReplies && a.ws.requests.openCommands() == 0 {
		a.offerConnect(fx)
	}
}

// offerConnect has HTTP ask for the connect.
func (a *auto) offerConnect(fx *effects) {
	a.phase, a.phaseEndAt = offeringConnect, mono.Time{}
	fx.wake[httpPipe][transport.LaneConnect] = true
}

// finishRotation leaves the session to HTTP, which has the connect.
func (a *auto) finishRotation(fx *effects, now mono.Moment) {
	a.rotation.oldLeg, a.rotation.closeAt, a.rotation.quietAt = a.ws.leg, now.Add(oldSocketLimit), now.Add(a.quietTime())
	a.ws.reset()
	a.told.left(ReasonLifetime, fmt.Errorf("fallback: WebSockets are cut at the age of %v on this path", a.mem.lifetime(a.ws.pathKey, now.Wall).Round(time.Second)))
	a.next.at = a.rotation.closeAt
	a.drawFrom(fx, onLongPolling)
}

// quietTime is how long a socket that was left is silent when it has said all.
func (a *auto) quietTime() time.Duration { return min(max(a.http.srtt, minQuiet), oldSocketLimit) }

// mustDefer reports whether what HTTP brings has to wait: for what a socket may
// still bring, or for what came before it.
func (a *auto) mustDefer(now mono.Moment) bool {
	return a.hasDeferred() || a.rotation.oldLeg != 0 && now.Before(a.rotation.quietAt)
}

// hasDeferred reports whether something waits. No poll is begun then: the Handler
// has yet to hear of the last one.
func (a *auto) hasDeferred() bool { return a.deferred.flushing || len(a.deferred.calls) > 0 }

// flushDeferred hands up what waited, unless some of it is on its way, and goes on
// if nothing waited.
func (a *auto) flushDeferred(fx *effects, now mono.Moment) {
	a.rotation.quietAt = mono.Time{}
	if !a.deferred.flushing && len(a.deferred.calls) > 0 {
		fx.flush, a.deferred.calls, a.deferred.flushing = append(fx.flush, a.deferred.calls...), nil, true
	}
	a.advance(fx, now)
}

// onFlushed goes on when the Handler has what waited.
func (a *auto) onFlushed(fx *effects, now mono.Moment) {
	a.deferred.flushing = false
	if a.rotation.quietAt.IsZero() {
		a.flushDeferred(fx, now)
	}
	if a.phase == onLongPolling && !a.hasDeferred() {
		a.wakePending(fx)
	}
}

// closeOldSocket closes the socket that was left.
func (a *auto) closeOldSocket(fx *effects, now mono.Moment) {
	a.flushDeferred(fx, now)
	if a.rotation.oldLeg != 0 {
		fx.drainSocket = a.rotation.oldLeg
	}
	if a.next.at.IsZero() || a.next.at.After(now.Time) {
		a.next.at = now.Time
	}
}

// onOldSocketEnd passes on the end of the socket that was left.
func (a *auto) onOldSocketEnd(fx *effects, now mono.Moment) {
	fx.pass, fx.retryNow = true, true
	a.rotation.oldEnded()
	a.flushDeferred(fx, now)
	if !a.next.at.IsZero() {
		a.next.at = now.Time
	}
}
