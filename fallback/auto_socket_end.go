package fallback

import (
	"errors"

	"github.com/turold/turold/internal/mono"
	"github.com/turold/turold/transport"
)

// onSocketEnd decides after the end of a socket.
func (a *auto) onSocketEnd(fx *effects, e event) {
	discarded := a.ws.discarded.Get(e.leg)
	a.ws.discarded.Delete(e.leg)
	mine := a.ws.isLeg(e.leg)
	switch {
	case e.leg == a.rotation.oldLeg:
		a.onOldSocketEnd(fx, e.now)
	case discarded || a.phase == autoClosed:
		fx.pass = a.phase == autoClosed && mine && a.ws.stage.carries()
	case mine && a.ws.stage.carries():
		a.onSocketLost(fx, e)
	case mine, a.ws.stage.isDialing():
		a.onSocketFailed(fx, e)
	}
}

// onSocketFailed decides after the end of a socket that never carried the session.
func (a *auto) onSocketFailed(fx *effects, e event) {
	reason := reasonOf(e.err, e.sameHost)
	if e.err != nil && errors.Is(e.err.Err, errMute) {
		reason = ReasonMute
	}
	unwanted := a.ws.stage == stageDialingUnwanted
	a.ws.reset()
	a.releaseDial()
	if unwanted {
		a.redialUnwanted(fx, e.now)
		return
	}
	if a.phase == onWebSocket { // it should have gone on with a session of sockets
		a.ws.bound = false
		a.drawFrom(fx, onLongPolling)
	}
	a.stayOnHTTP(fx)
	a.passHeldEnd(fx)
	if !a.handshake.graceUntil.IsZero() {
		a.handshake.graceUntil = mono.Time{}
		a.wakePending(fx)
	}
	a.judgeFailure(fx, e.now, reason, e.err)
}

// judgeFailure finds out what a failure shows: something of sockets only while
// HTTP works. Where others' sockets were answered meanwhile, one that was not is
// slow, not mute.
func (a *auto) judgeFailure(fx *effects, now mono.Moment, reason Reason, err *transport.Error) {
	switch {
	case reason == "", reason == ReasonMute && a.mem.provedSince(a.ws.pathKey, now.Clock(a.ws.openedAt)):
		a.next.set(now.Add(retryPause))
	case now.Sub(a.http.answeredAt) <= evidenceWindow && a.http.stage != stageFailed:
		a.next.set(now.At(a.mem.recordFailed(a.ws.pathKey, reason, now.Wall)))
		a.announceStaying(fx, now, reason, errOrEnded(err), true)
	default:
		a.doubtSockets(now, reason, err)
		if a.phase == onLongPolling || a.phase == finishingPoll {
			a.doubt.checkHTTP = true
			fx.wake[httpPipe][transport.LaneCommands] = true
		}
	}
}

// doubtSockets leaves it to the next answer of HTTP what a failure shows.
func (a *auto) doubtSockets(now mono.Moment, reason Reason, err *transport.Error) {
	a.doubt.since, a.doubt.reason, a.doubt.err = now.Time, reason, err
	a.next.afterAnswer = true
}

// onSocketLost decides after the end of a socket that carried the session.
func (a *auto) onSocketLost(fx *effects, e event) {
	fx.pass = true
	cause := errSocketEnded
	if e.err != nil {
		cause = e.err.Err
	}
	served := (a.phase == onWebSocket || a.phase == finishingConnect || a.phase == awaitingReplies || a.phase == offeringConnect) && a.told.isOn(socketPipe)
	if a.phase == optimistic {
		a.mem.forgetGood(a.ws.pathKey)
	}
	byHandler := e.err != nil && e.err.Op == "cut" && !errors.Is(cause, errSessionUnknown) && !errors.Is(cause, errMute)
	a.ws.reset()
	a.rotation.reset()
	if a.ws.bound {
		a.leaveBoundSocket(fx, e, cause, served, byHandler)
		return
	}
	fx.retryNow = true
	a.switchTo(e.leg, onLongPolling)
	switch {
	case errors.Is(cause, errSessionUnknown):
		a.next.at = e.now.Add(unknownSessionPause)
		a.announceStaying(fx, e.now, ReasonAffinity, errSessionUnknown, true)
	case errors.Is(cause, errMute):
		a.told.left(ReasonMute, errMute)
		a.judgeFailure(fx, e.now, ReasonMute, e.err)
	case byHandler: // it knows what comes next
		a.told.left(ReasonLost, cause)
		a.next.afterAnswer = true
	default:
		a.told.left(ReasonLost, cause)
		a.countShortLife(e, served)
	}
}

// countShortLife dials again once HTTP has answered: until then it may be the
// network that failed. Sockets that die young one after the other are a failure of
// sockets, unless HTTP fails too.
func (a *auto) countShortLife(e event, served bool) {
	if a.ws.shortLives++; !served || e.now.Sub(a.ws.carriesSince) >= shortLifeAge {
		a.ws.shortLives = 0
	}
	a.next.afterAnswer = true
	if a.ws.shortLives >= maxShortLives {
		a.ws.shortLives = 0
		a.doubtSockets(e.now, ReasonLost, e.err)
	}
}

// leaveBoundSocket goes on without the socket on which the session began, which
// HTTP does not know.
func (a *auto) leaveBoundSocket(fx *effects, e event, cause error, served, byHandler bool) {
	switch {
	case byHandler: // the session begins anew, wherever it can
		a.ws.bound = false
		a.told.left(ReasonLost, cause)
		a.switchTo(e.leg, onLongPolling)
	case served: // another socket may go on with it, for a while
		fx.retryNow = true
		a.told.left(ReasonLost, cause)
		a.switchTo(e.leg, onWebSocket)
	default: // not even its handshake was answered
		a.ws.bound = false
		a.switchTo(e.leg, onLongPolling)
		a.next.at = e.now.Add(retryPause)
	}
}

// errOrEnded is err as an error that is never nil.
func errOrEnded(err *transport.Error) error {
	if err == nil {
		return errSocketEnded
	}
	return err
}
