package fallback

import (
	"errors"
	"time"

	"github.com/turold/turold/internal/mono"
	"github.com/turold/turold/transport"
)

// dial opens a socket, if there is none, HTTP does not fail, and it is this
// session's turn.
func (a *auto) dial(fx *effects, now mono.Moment) {
	if a.ws.leg != 0 || a.ws.dialling || a.next.notOffered || a.phase == autoClosed {
		return
	}
	if a.http.down {
		a.next.afterAnswer = true
		return
	}
	key := a.pathKey()
	no, ok := a.mem.reserve(key, now.Wall)
	if !ok {
		if a.next.at, a.next.queued = now.At(no.next), no.why == ""; !a.next.queued {
			a.announceStaying(fx, now, no.why, errSocketsFail, false)
		}
		return
	}
	a.ws.pathKey = key
	a.ws.reserved, a.ws.dialling, a.next.queued, a.next.afterAnswer, a.next.at = true, true, false, false, mono.Time{}
	fx.wake[socketPipe][transport.LaneConnect] = true
}

// releaseDial gives back the leave to open one.
func (a *auto) releaseDial() {
	if a.ws.reserved {
		a.ws.reserved = false
		a.mem.release(a.ws.pathKey)
	}
}

// discardSocket ends a socket that carries nothing of the session's, and is about to
// get nothing.
func (a *auto) discardSocket(fx *effects, cause error) {
	if a.ws.owns || a.ws.drawing {
		return
	}
	if a.ws.leg != 0 {
		fx.cutSocket, fx.cause = a.ws.leg, cause
		a.ws.discarded.Set(a.ws.leg, true)
	}
	a.ws.stale = a.ws.dialling
	a.ws.leg, a.ws.proven, a.ws.probe.answerBy, a.ws.probe.againAt = 0, false, mono.Time{}, mono.Time{}
	a.releaseDial()
	if a.phase == finishingPoll || a.phase == awaitingExchanges {
		a.drawFrom(fx, onLongPolling)
	}
}

// onSocketAsk gives the probe to a socket that has just opened, the session's
// connect to one that is proven, and whatever there is to one that serves.
func (a *auto) onSocketAsk(fx *effects, e event) {
	switch {
	case a.ws.discarded.Get(e.leg):
	case a.ws.leg == 0 && a.ws.stale:
		a.ws.discarded.Set(e.leg, true)
		fx.drainSocket = e.leg
		a.ws.dialling, a.ws.stale = false, false
		a.releaseDial()
		if !a.next.notOffered {
			a.next.at = e.now.Time
		}
	case a.phase == onWebSocket && a.ws.leg == 0 && a.ws.bound: // another, for a session that only sockets know
		a.onSocketOpen(e)
		a.ws.owns, a.phaseEndAt, a.ws.carriesSince = true, mono.Time{}, e.now.Time
		a.releaseDial()
		fx.pass = true
	case e.leg == a.rotation.oldLeg:
	case a.phase == onWebSocket:
		if fx.pass = e.leg == a.ws.leg; fx.pass && e.lane == transport.LaneConnect && (a.rotation.checkHTTP || !a.rotation.dueAt.IsZero()) {
			hold := minHold
			if !a.rotation.checkHTTP {
				hold = max(hold, a.rotation.dueAt.Sub(e.now.Time)) // it ends when the socket is to be left
			}
			fx.hold = &hold
		}
	case a.phase == optimistic:
		fx.pass = e.leg == a.ws.leg
	case a.phase == finishingConnect && e.leg == a.ws.leg:
		if fx.pass = e.lane == transport.LaneCommands; !fx.pass {
			a.pending[e.lane] = true
		}
	case (a.phase == awaitingReplies || a.phase == offeringConnect) && e.leg == a.ws.leg:
		a.pending[e.lane] = true
	case a.ws.leg == 0 && !a.ws.dialling: // nobody asked for it
		a.ws.discarded.Set(e.leg, true)
		fx.drainSocket = e.leg
	case a.ws.leg == 0:
		a.onSocketOpen(e)
		if c := a.handshake.heldEnd; c != nil { // HTTP has failed: the handshake comes here
			a.handshake.heldEnd, fx.flush = nil, append(fx.flush, *c)
			c.err.RetryNow = true
			a.startOnSocket(c.leg, e.now)
			return
		}
		if a.escapeLostSessions(0, e.now) {
			a.advance(fx, e.now)
			return
		}
		if a.startOptimistic(fx, e.now) {
			return
		}
		a.abandonLateHandshake(fx, e.now)
		a.ws.probe.answerBy, a.ws.probe.againAt = e.now.Add(a.replyLimit()), e.now.Add(a.replyLimit()/2)
		fx.batch = a.ws.probe.send()
	case e.leg != a.ws.leg:
		a.ws.discarded.Set(e.leg, true)
		fx.drainSocket = e.leg
	case !a.ws.proven && a.ws.probe.againAt.IsZero() && !a.ws.probe.answerBy.IsZero() && e.now.Before(a.ws.probe.answerBy): // once more
		a.ws.probe.againAt = a.ws.probe.answerBy
		fx.batch = a.ws.probe.send()
	case a.phase == awaitingExchanges && a.exchangesDone(e.now) && e.lane == transport.LaneConnect:
		zero := time.Duration(0) // the answer is what proves that the session moved
		fx.pass, fx.hold = true, &zero
		a.pending[transport.LaneConnect] = false
	}
}

// onSocketOpen takes a socket that has opened.
func (a *auto) onSocketOpen(e event) {
	a.ws.leg, a.ws.dialling, a.ws.proven, a.ws.openedAt = e.leg, false, false, e.now.Time
	a.ws.requests, a.ws.probe, a.rotation.dueAt, a.rotation.checkHTTP = outstanding{}, probe{}, mono.Time{}, false
}

// socketDrew: the valve turns with the draw.
func (a *auto) onSocketDrawn(fx *effects, e event) {
	if e.leg != a.ws.leg {
		return
	}
	a.ws.drawing = false
	a.ws.requests.add(e.batch)
	if a.phase == optimistic && a.phaseEndAt.IsZero() && len(e.batch) > 0 {
		a.phaseEndAt = e.now.Add(a.replyLimit())
	}
	a.advanceRotation(fx, e.now)
	if a.phase != awaitingExchanges {
		return
	}
	if len(e.batch) == 0 && a.pending[transport.LaneConnect] && !a.phaseEndAt.IsZero() { // it has one by now
		fx.wake[socketPipe][transport.LaneConnect] = true
		return
	}
	if len(e.batch) == 0 { // there is no connect to move with
		pending := a.pending
		a.phase, a.phaseEndAt, a.pending = onLongPolling, mono.Time{}, [2]bool{}
		fx.wake[httpPipe] = pending
		return
	}
	a.phase, a.ws.owns, a.phaseEndAt = confirming, true, e.now.Add(a.replyLimit())
}

// onSocketReceive looks at what comes on the socket: the first answer is what
// decides.
func (a *auto) onSocketReceive(fx *effects, e event) {
	if e.leg == a.rotation.oldLeg {
		fx.pass, a.rotation.quietAt = true, e.now.Add(a.quietTime())
		return
	}
	if e.leg != a.ws.leg {
		return
	}
	rest, probed := a.ws.probe.takeAnswer(e.batch)
	if !a.ws.owns {
		if !a.ws.proven && probed {
			a.ws.proven, a.ws.probe.answerBy, a.ws.probe.againAt = true, mono.Time{}, mono.Time{}
			a.releaseDial()
			if a.connectIsOut() && a.http.heldPollSeen {
				a.phase = finishingPoll
			} else {
				fx.wake[httpPipe][transport.LaneConnect] = true // which finds it ripe
			}
		}
		return
	}
	if len(rest) == 0 { // a late answer to the probe, and nothing else
		return
	}
	if fx.pass = true; probed {
		fx.batch = rest
	}
	got := a.countReplies(fx, rest)
	switch {
	case a.phase == optimistic:
		a.onOptimisticReply(fx, e.now, got)
	case a.phase == confirming && got.connect == nil:
	case a.phase == confirming && !got.connect.Granted():
		a.onSessionUnknown(fx, e.now)
	case a.phase == confirming:
		a.onSocketCarries(fx, e.now)
		a.drawFrom(fx, onWebSocket)
	case a.ws.bound && a.told.transport != transport.WebSocket && got.answered:
		a.ws.proven = true
		a.onSocketCarries(fx, e.now)
	}
}

// unknownThere: the server does not know the session on the socket, which keeps
// the Handler from hearing that it does not know it at all.
func (a *auto) onSessionUnknown(fx *effects, now mono.Moment) {
	fx.pass = false
	a.mem.recordFailed(a.ws.pathKey, ReasonAffinity, now.Wall)
	a.cutSocket(fx, errSessionUnknown)
}

// serves: the session is on the socket.
func (a *auto) onSocketCarries(fx *effects, now mono.Moment) {
	reason := ReasonProven
	if a.told.leftFor != "" {
		reason = ReasonBack
	}
	a.ws.carriesSince, a.told.leftFor, a.told.leftErr, a.told.staying = now.Time, "", nil, staying{}
	a.ws.proven = true
	a.mem.recordProven(a.ws.pathKey, now.Wall)
	if life := a.mem.lifetime(a.ws.pathKey, now.Wall); life > 0 && !a.ws.bound {
		a.rotation.dueAt = a.ws.openedAt.Add(rotationAge(life))
	}
	a.announce(fx, now, transport.WebSocket, reason, nil)
}

// onSocketEnd decides after the end of a socket.
func (a *auto) onSocketEnd(fx *effects, e event) {
	old := a.ws.discarded.Get(e.leg)
	a.ws.discarded.Delete(e.leg)
	switch {
	case e.leg == a.rotation.oldLeg:
		fx.pass, fx.retryNow = true, true
		a.rotation.oldLeg, a.rotation.closeAt = 0, mono.Time{}
		a.flushDeferred(fx, e.now)
		if !a.next.at.IsZero() {
			a.next.at = e.now.Time
		}
		return
	case old || a.phase == autoClosed:
		fx.pass = a.phase == autoClosed && e.leg == a.ws.leg && a.ws.owns
		return
	case e.leg == a.ws.leg && a.ws.owns:
		a.onSocketLost(fx, e)
	case e.leg == a.ws.leg, a.ws.leg == 0 && a.ws.dialling:
		a.onSocketFailed(fx, e)
	}
}

// failed: it never carried the session.
func (a *auto) onSocketFailed(fx *effects, e event) {
	reason := reasonOf(e.err, e.sameHost)
	if e.err != nil && errors.Is(e.err.Err, errMute) {
		reason = ReasonMute
	}
	stale := a.ws.stale
	a.ws.leg, a.ws.dialling, a.ws.stale, a.ws.proven, a.ws.probe.answerBy, a.ws.probe.againAt = 0, false, false, false, mono.Time{}, mono.Time{}
	a.releaseDial()
	if stale {
		if !a.next.notOffered {
			a.next.at = e.now.Time
		}
		return
	}
	if a.phase == onWebSocket { // it should have gone on with a session of sockets
		a.ws.bound = false
		a.drawFrom(fx, onLongPolling)
	}
	if a.phase == finishingPoll || a.phase == awaitingExchanges {
		a.drawFrom(fx, onLongPolling)
	}
	if c := a.handshake.heldEnd; c != nil {
		a.handshake.heldEnd, fx.flush = nil, append(fx.flush, *c)
	}
	if !a.handshake.graceUntil.IsZero() {
		a.handshake.graceUntil = mono.Time{}
		a.wakePending(fx)
	}
	a.judgeFailure(fx, e.now, reason, e.err)
}

// judgeFailure finds out what a failure shows: of sockets something only while HTTP works.
func (a *auto) judgeFailure(fx *effects, now mono.Moment, reason Reason, err *transport.Error) {
	switch {
	case reason == "", reason == ReasonMute && a.mem.provedSince(a.ws.pathKey, now.Clock(a.ws.openedAt)): // others' were answered meanwhile: it was slow, not mute
		a.next.at, a.next.afterAnswer = now.Add(retryPause), false
	case now.Sub(a.http.answeredAt) <= evidenceWindow && !a.http.down:
		a.next.at, a.next.afterAnswer = now.At(a.mem.recordFailed(a.ws.pathKey, reason, now.Wall)), false
		a.announceStaying(fx, now, reason, errOrEnded(err), true)
	default:
		a.doubt.since, a.next.afterAnswer = now.Time, true
		a.doubt.reason, a.doubt.err = reason, err
		if a.phase == onLongPolling || a.phase == finishingPoll {
			a.doubt.checkHTTP = true
			fx.wake[httpPipe][transport.LaneCommands] = true
		}
	}
}

// lost: it carried the session, which goes on by HTTP, if that knows it.
func (a *auto) onSocketLost(fx *effects, e event) {
	fx.pass = true
	cause := errSocketEnded
	if e.err != nil {
		cause = e.err.Err
	}
	served := (a.phase == onWebSocket || a.phase == finishingConnect || a.phase == awaitingReplies || a.phase == offeringConnect) && a.told.transport == transport.WebSocket
	if a.phase == optimistic {
		a.mem.forgetGood(a.ws.pathKey)
	}
	byHandler := e.err != nil && e.err.Op == "cut" && !errors.Is(cause, errSessionUnknown) && !errors.Is(cause, errMute)
	a.ws.leg, a.ws.owns, a.ws.proven, a.ws.drawing, a.rotation.dueAt, a.rotation.checkHTTP = 0, false, false, false, mono.Time{}, false
	switch {
	case a.ws.bound && byHandler: // it begins anew, wherever it can
		a.ws.bound, a.told.leftFor, a.told.leftErr = false, ReasonLost, cause
		a.switchTo(e.leg, onLongPolling)
		return
	case a.ws.bound && served: // HTTP does not know it: another socket, for a while
		fx.retryNow = true
		a.told.leftFor, a.told.leftErr = ReasonLost, cause
		a.switchTo(e.leg, onWebSocket)
		return
	case a.ws.bound: // it did not even shake hands
		a.ws.bound = false
		a.switchTo(e.leg, onLongPolling)
		a.next.at = e.now.Add(retryPause)
		return
	}
	fx.retryNow = true
	a.switchTo(e.leg, onLongPolling)
	switch {
	case errors.Is(cause, errSessionUnknown):
		a.next.at = e.now.Add(unknownSessionPause)
		a.announceStaying(fx, e.now, ReasonAffinity, errSessionUnknown, true)
	case errors.Is(cause, errMute):
		a.told.leftFor, a.told.leftErr = ReasonMute, errMute
		a.judgeFailure(fx, e.now, ReasonMute, e.err)
	case byHandler: // it knows what comes next
		a.told.leftFor, a.told.leftErr, a.next.afterAnswer = ReasonLost, cause, true
	default:
		a.told.leftFor, a.told.leftErr = ReasonLost, cause
		if a.ws.shortLives++; !served || e.now.Sub(a.ws.carriesSince) >= shortLifeAge {
			a.ws.shortLives = 0
		}
		if a.ws.shortLives >= maxShortLives { // unless HTTP dies too
			a.ws.shortLives = 0
			a.doubt.since, a.next.afterAnswer = e.now.Time, true
			a.doubt.reason, a.doubt.err = ReasonLost, e.err
		} else {
			a.next.afterAnswer = true // once HTTP has answered: until then it may be the network
		}
	}
}

// errOrEnded is an error interface that is not nil.
func errOrEnded(err *transport.Error) error {
	if err == nil {
		return errSocketEnded
	}
	return err
}
