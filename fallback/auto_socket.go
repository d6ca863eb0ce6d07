package fallback

import (
	"time"

	"github.com/turold/turold/bayeux"
	"github.com/turold/turold/internal/mono"
	"github.com/turold/turold/transport"
)

// onSocketAsk gives the probe to a socket that has just opened, the session's
// connect to one that is proven, and what the Handler has to one that carries the
// session.
func (a *auto) onSocketAsk(fx *effects, e event) {
	mine := a.ws.isLeg(e.leg)
	switch {
	case a.ws.discarded.Get(e.leg):
	case a.ws.stage == stageDialingUnwanted:
		a.rejectSocket(fx, e)
		a.ws.reset()
		a.releaseDial()
		a.redialUnwanted(fx, e.now)
	case a.phase == onWebSocket && !a.ws.stage.isOpen() && a.ws.bound:
		a.rescueSession(fx, e)
	case e.leg == a.rotation.oldLeg:
	case a.phase == onWebSocket, a.phase == optimistic:
		if fx.pass = mine; mine && a.phase == onWebSocket {
			a.holdUntilRotation(fx, e)
		}
	case mine && (a.phase == finishingConnect || a.phase == awaitingReplies || a.phase == offeringConnect):
		if fx.pass = a.phase == finishingConnect && e.lane == transport.LaneCommands; !fx.pass {
			a.pending[e.lane] = true
		}
	case a.ws.stage == stageDialing:
		a.onSocketOpen(fx, e)
	case !mine: // it was not asked for
		a.rejectSocket(fx, e)
	case a.ws.stage == stageOpen && a.ws.probe.againAt.IsZero() && !a.ws.probe.answerBy.IsZero() && e.now.Before(a.ws.probe.answerBy): // once more
		a.ws.probe.againAt = a.ws.probe.answerBy
		fx.batch = a.ws.probe.send()
	case a.phase == awaitingExchanges && a.exchangesDone(e.now) && e.lane == transport.LaneConnect:
		zero := time.Duration(0) // the answer is what proves that the session moved
		fx.pass, fx.hold = true, &zero
		a.pending[transport.LaneConnect] = false
	}
}

// rejectSocket closes a socket that is not wanted.
func (a *auto) rejectSocket(fx *effects, e event) {
	a.ws.discarded.Set(e.leg, true)
	fx.drainSocket = e.leg
}

// rescueSession has another socket go on with a session that only sockets know.
func (a *auto) rescueSession(fx *effects, e event) {
	a.ws.opened(e)
	a.rotation.reset()
	a.ws.take()
	a.ws.carriesSince, a.phaseEndAt = e.now.Time, mono.Time{}
	a.releaseDial()
	fx.pass = true
}

// holdUntilRotation lets the connect end when the socket is to be left.
func (a *auto) holdUntilRotation(fx *effects, e event) {
	if e.lane != transport.LaneConnect || !a.rotation.checkHTTP && a.rotation.dueAt.IsZero() {
		return
	}
	hold := minHold
	if !a.rotation.checkHTTP {
		hold = max(hold, a.rotation.dueAt.Sub(e.now.Time))
	}
	fx.hold = &hold
}

// onSocketOpen decides what a socket that has opened is for: the handshake that
// HTTP could not carry, a session from its handshake on, or a probe.
func (a *auto) onSocketOpen(fx *effects, e event) {
	a.ws.opened(e)
	a.rotation.reset()
	if c := a.handshake.heldEnd; c != nil {
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
}

// onSocketDrawn moves the session with the draw that brought the connect.
func (a *auto) onSocketDrawn(fx *effects, e event) {
	if !a.ws.isLeg(e.leg) {
		return
	}
	a.ws.drawing = false
	a.ws.requests.add(e.batch)
	if a.phase == optimistic && a.phaseEndAt.IsZero() && len(e.batch) > 0 {
		a.phaseEndAt = e.now.Add(a.replyLimit())
	}
	a.advanceRotation(fx, e.now)
	switch {
	case a.phase != awaitingExchanges:
	case len(e.batch) > 0:
		a.phase, a.phaseEndAt = confirming, e.now.Add(a.replyLimit())
		a.ws.take()
	case a.pending[transport.LaneConnect] && !a.phaseEndAt.IsZero(): // the Handler has a connect by now
		fx.wake[socketPipe][transport.LaneConnect] = true
	default: // there is no connect to move with
		fx.wake[httpPipe] = a.pending
		a.phase, a.phaseEndAt, a.pending = onLongPolling, mono.Time{}, [2]bool{}
	}
}

// onSocketReceive looks at what comes on the socket: the first answer decides.
func (a *auto) onSocketReceive(fx *effects, e event) {
	if e.leg == a.rotation.oldLeg {
		fx.pass, a.rotation.quietAt = true, e.now.Add(a.quietTime())
		return
	}
	if !a.ws.isLeg(e.leg) {
		return
	}
	rest, probed := a.ws.probe.takeAnswer(e.batch)
	if !a.ws.stage.carries() {
		if a.ws.stage == stageOpen && probed {
			a.onProbeAnswered(fx)
		}
		return
	}
	if len(rest) == 0 { // a late answer to the probe, and nothing else
		return
	}
	if fx.pass = true; probed {
		fx.batch = rest
	}
	a.onCarrierAnswer(fx, e, a.countReplies(fx, rest))
}

// onProbeAnswered makes room for the socket, which is proven.
func (a *auto) onProbeAnswered(fx *effects) {
	a.ws.stage = stageProven
	a.ws.probe.stopTimers()
	a.releaseDial()
	if a.connectIsOut() && a.http.heldPollSeen {
		a.phase = finishingPoll
	} else {
		fx.wake[httpPipe][transport.LaneConnect] = true // its Ask finds that the socket is ready
	}
}

// onCarrierAnswer takes what the socket that has the session was answered.
func (a *auto) onCarrierAnswer(fx *effects, e event, got replies) {
	switch {
	case a.phase == optimistic:
		a.onOptimisticReply(fx, e.now, got)
	case a.phase == confirming && got.connect == nil:
	case a.phase == confirming && !got.connect.Granted():
		a.onSessionUnknown(fx, e.now)
	case a.phase == confirming:
		a.onSocketCarries(fx, e.now)
		a.drawFrom(fx, onWebSocket)
	case a.ws.bound && !a.told.isOn(socketPipe) && got.answered:
		a.onSocketCarries(fx, e.now)
	}
}

// onSessionUnknown cuts a socket on which the server does not know the session. It
// keeps that reply from the Handler, which would take it for the end of the session.
func (a *auto) onSessionUnknown(fx *effects, now mono.Moment) {
	fx.pass = false
	a.mem.recordFailed(a.ws.pathKey, ReasonAffinity, now.Wall)
	a.cutSocket(fx, errSessionUnknown)
}

// onSocketCarries notes that the session is on the socket, and says so.
func (a *auto) onSocketCarries(fx *effects, now mono.Moment) {
	reason := ReasonProven
	if a.told.leftFor != "" {
		reason = ReasonBack
	}
	a.told.reset()
	a.ws.carriesSince, a.ws.stage = now.Time, a.ws.stage.proven()
	a.mem.recordProven(a.ws.pathKey, now.Wall)
	if life := a.mem.lifetime(a.ws.pathKey, now.Wall); life > 0 && !a.ws.bound {
		a.rotation.dueAt = a.ws.openedAt.Add(rotationAge(life))
	}
	a.announce(fx, now, socketPipe, reason, nil)
}

// countReplies strikes out what was answered. What follows from the last reply
// waits until the Handler has it.
func (a *auto) countReplies(fx *effects, ms []bayeux.Message) replies {
	got := a.ws.requests.match(ms)
	fx.confirm = (got.answered || got.unreadable) && (a.phase == finishingConnect && a.ws.requests.connect.ID == "" || a.phase == awaitingReplies && a.ws.requests.openCommands() == 0)
	return got
}
