package fallback

import (
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/turold/turold/bayeux"
	"github.com/turold/turold/internal/mono"
	"github.com/turold/turold/transport"
)

// A socket that works is left before something on the way cuts it for its age.
// Its connect ends and is not asked for again; what it owes comes; then HTTP
// asks for the connect with a short hold, not none: on CometD only a connect
// that is held takes the pushes off a socket. The socket is read on for a
// while, and what HTTP brings meanwhile waits, so that what was sent first is
// handed up first.

const (
	oldSocketLimit = 300 * time.Millisecond // how long, before the closing handshake
	minQuiet       = 50 * time.Millisecond  // of the socket, after which nothing more is expected of it
)

// rotationAge is how much of a lifetime is used: not all sessions move at once.
func rotationAge(life time.Duration) time.Duration {
	return time.Duration(float64(life) * (rotationRatio - 0.1*rand.Float64()))
}

// onRotationDue asks whether HTTP works, before a socket is left that does. One that was
// left before has to end first: the Handler is to hear of that.
func (a *auto) onRotationDue(fx *effects, now mono.Moment) {
	switch {
	case a.phase != onWebSocket || a.ws.leg == 0 || a.ws.bound:
	case a.rotation.oldLeg != 0:
		a.rotation.dueAt = now.Add(oldSocketLimit)
	default:
		a.rotation.checkHTTP = true
		fx.wake[httpPipe][transport.LaneCommands] = true
	}
}

// onRotationCheck is told of the end of an exchange of our own.
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

// advanceRotation goes on when the connect has ended, and none is being drawn, and then
// when nothing is owed.
func (a *auto) advanceRotation(fx *effects, now mono.Moment) {
	if a.phase == finishingConnect && a.ws.requests.connect.ID == "" && !a.ws.drawing {
		a.phase, a.phaseEndAt = awaitingReplies, now.Add(a.replyLimit())
	}
	if a.phase == awaitingReplies && a.ws.requests.openCommands() == 0 {
		a.offerConnect(fx)
	}
}

// countReplies takes down replies. What follows from the last of them waits until the
// Handler has it.
func (a *auto) countReplies(fx *effects, ms []bayeux.Message) replies {
	got := a.ws.requests.match(ms)
	fx.confirm = (got.answered || got.unreadable) && (a.phase == finishingConnect && a.ws.requests.connect.ID == "" || a.phase == awaitingReplies && a.ws.requests.openCommands() == 0)
	return got
}

// offerConnect has HTTP ask for the connect.
func (a *auto) offerConnect(fx *effects) {
	a.phase, a.phaseEndAt = offeringConnect, mono.Time{}
	fx.wake[httpPipe][transport.LaneConnect] = true
}

// leaves: HTTP has the connect, and with it the session.
func (a *auto) finishRotation(fx *effects, now mono.Moment) {
	a.rotation.oldLeg, a.rotation.closeAt, a.rotation.quietAt = a.ws.leg, now.Add(oldSocketLimit), now.Add(a.quietTime())
	a.ws.leg, a.ws.owns, a.ws.proven = 0, false, false
	a.told.leftFor = ReasonLifetime
	a.told.leftErr = fmt.Errorf("fallback: WebSockets are cut at the age of %v on this way", a.mem.lifetime(a.ws.pathKey, now.Wall).Round(time.Second))
	a.next.at = a.rotation.closeAt
	a.drawFrom(fx, onLongPolling)
}

// quietTime is how long a socket that was left says nothing when it has said all.
func (a *auto) quietTime() time.Duration { return min(max(a.http.srtt, minQuiet), oldSocketLimit) }

// mustDefer reports whether what HTTP brings has to wait: for what a socket may
// still bring, or for what came before it.
func (a *auto) mustDefer(now mono.Moment) bool {
	return a.hasDeferred() || a.rotation.oldLeg != 0 && now.Before(a.rotation.quietAt)
}

// hasDeferred reports whether something waits. No poll is begun then: the Handler
// has yet to hear of the last one.
func (a *auto) hasDeferred() bool { return a.deferred.flushing || len(a.deferred.calls) > 0 }

// flushDeferred hands up what waited, unless somebody is at it, and goes on if nothing did.
func (a *auto) flushDeferred(fx *effects, now mono.Moment) {
	a.rotation.quietAt = mono.Time{}
	if !a.deferred.flushing && len(a.deferred.calls) > 0 {
		fx.flush, a.deferred.calls, a.deferred.flushing = append(fx.flush, a.deferred.calls...), nil, true
	}
	a.advance(fx, now)
}

// onFlushed goes on when that is done.
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
