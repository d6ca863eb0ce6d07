package fallback

import (
	"errors"
	"time"

	"github.com/turold/turold/internal/mono"
	"github.com/turold/turold/transport"
)

var (
	errSessionUnknown = errors.New("fallback: the server does not know the session on the WebSocket")
	errOutdated       = errors.New("fallback: the WebSocket was opened before what the handshake brought")
	errNotOffered     = errors.New("fallback: the server offers no WebSocket")
	errSocketEnded    = errors.New("fallback: the WebSocket ended")
	errHandshakeLate  = errors.New("fallback: HTTP does not answer the handshake, and a WebSocket is open")
	errSocketsFail    = errors.New("fallback: WebSockets fail on this way")
)

// A phase is where the parallel choice stands.
type phase uint8

const (
	onLongPolling     phase = iota // HTTP draws; a socket is opened and proven beside it, or none is
	finishingPoll                  // the socket is proven: HTTP draws commands until its poll has ended
	awaitingExchanges              // nobody draws until every exchange has ended; then the socket is offered a connect
	confirming                     // the socket has it; nobody draws until it is answered
	optimistic                     // the socket draws, and has answered nothing: one was proven here a short while ago
	onWebSocket                    // the socket draws
	finishingConnect               // it is to be left: it draws commands until its connect has ended
	awaitingReplies                // nobody draws until it owes nothing
	offeringConnect                // HTTP is offered the connect, and nobody else draws
	switching                      // nobody draws until the End of what was left is passed on; then next does
	autoClosed                     // nobody draws any more
)

func (s phase) String() string {
	return [...]string{"onLongPolling", "finishingPoll", "awaitingExchanges", "confirming", "optimistic", "onWebSocket", "finishingConnect", "awaitingReplies", "offeringConnect", "switching", "closed"}[s]
}

// Times of the parallel choice.
const (
	minReplyLimit   = time.Second
	maxReplyLimit   = 10 * time.Second
	minHold         = 250 * time.Millisecond // of a poll while a socket may be about to take over
	maxHold         = time.Second
	evidenceWindow  = 5 * time.Second  // a socket's failure counts if HTTP works this near to it
	retryPause      = 5 * time.Second  // before the next try after a failure that shows nothing
	rescueLimit     = 2 * time.Second  // for another socket to go on with a session that HTTP cannot
	shortLifeAge    = 30 * time.Second // of sockets that die as soon as they serve
	maxShortLives   = 3                // of those in a row are a failure of sockets
	maxLostSessions = 2                // sessions in a row that HTTP did not know any more
)

// An auto is the machine of the mode Auto: the handshake goes by HTTP while a
// socket is dialled, HTTP carries the session, and the session moves to the
// socket once that has shown that it carries messages. What it shares with
// other sessions is in mem.
type auto struct {
	mem            *Memory
	pathKey        func() string // the path of the next socket
	handshakeLimit time.Duration // how long HTTP may take for the handshake while a socket is open

	phase      phase
	phaseEndAt mono.Time // when a phase that waits gives up; zero: it does not wait
	handover   handover  // of switching
	pending    [2]bool   // lanes that the Handler woke while neither pipe might draw them

	http      httpSide
	ws        socketSide
	handshake httpHandshake
	rotation  rotation
	deferred  deferred
	next      nextDial
	doubt     pendingVerdict
	told      announced
}

func newAuto(mem *Memory, pathKey func() string, handshakeLimit time.Duration) *auto {
	return &auto{mem: mem, pathKey: pathKey, handshakeLimit: handshakeLimit}
}

// step takes one event.
func (a *auto) step(e event) (fx effects) {
	if a.phase == autoClosed && e.kind != eventEnd && e.kind != eventEndDelivered && e.kind != eventFlushed {
		return fx
	}
	switch e.kind {
	case eventWake:
		a.onWake(&fx, e)
	case eventAsk:
		if e.pipe == httpPipe {
			a.onHTTPAsk(&fx, e)
		} else {
			a.onSocketAsk(&fx, e)
			a.ws.drawing = a.ws.drawing || fx.pass
		}
	case eventDrawn:
		if e.pipe == httpPipe {
			a.onHTTPDrawn(&fx, e)
		} else {
			a.onSocketDrawn(&fx, e)
		}
	case eventReceive:
		if e.pipe == httpPipe {
			a.onHTTPReceive(&fx, e)
		} else {
			a.onSocketReceive(&fx, e)
		}
	case eventEnd:
		if e.pipe == httpPipe {
			a.onHTTPEnd(&fx, e)
		} else {
			a.onSocketEnd(&fx, e)
		}
	case eventEndDelivered:
		a.http.exchanges.Delete(e.leg)
		if e.leg == a.handover.from {
			a.handover.from = 0
		}
		a.advance(&fx, e.now)
	case eventCheck:
		a.onCheck(&fx, e.now)
	case eventTimer:
		a.onTimer(&fx, e.now)
	case eventReceiveDelivered:
		a.advanceRotation(&fx, e.now)
	case eventFlushed:
		a.onFlushed(&fx, e.now)
	case eventVacated: // until now a socket on its way out took what was to dial
		fx.wake[socketPipe][transport.LaneConnect] = a.ws.dialling && a.ws.leg == 0
	case eventClose:
		a.phase = autoClosed
		a.releaseDial()
		if a.handshake.heldEnd != nil {
			a.deferred.calls, a.handshake.heldEnd = append(a.deferred.calls, *a.handshake.heldEnd), nil
		}
		a.flushDeferred(&fx, e.now)
	}
	return fx
}

// timerAt is when step wants to be told the time.
func (a *auto) timerAt() mono.Time {
	if a.phase == autoClosed {
		return mono.Time{}
	}
	return mono.Earliest(a.handshake.lateAt, a.ws.probe.answerBy, a.ws.probe.againAt, a.phaseEndAt, a.next.at, a.rotation.dueAt, a.rotation.quietAt, a.rotation.closeAt, a.handshake.graceUntil)
}

func (a *auto) onTimer(fx *effects, now mono.Moment) {
	if mono.Due(&a.handshake.lateAt, now.Time) {
		a.abandonLateHandshake(fx, now)
	}
	if mono.Due(&a.ws.probe.answerBy, now.Time) {
		a.ws.probe.againAt = mono.Time{}
		a.cutSocket(fx, errMute)
	}
	if mono.Due(&a.ws.probe.againAt, now.Time) {
		fx.wake[socketPipe][transport.LaneConnect] = true
	}
	if mono.Due(&a.phaseEndAt, now.Time) {
		switch a.phase {
		case awaitingExchanges:
			if !a.ws.drawing { // what the draw comes to decides
				a.http.keepNextPoll = true
				a.drawFrom(fx, onLongPolling)
			}
		case confirming, optimistic:
			a.cutSocket(fx, errMute)
		case awaitingReplies: // what it owes may still come
			a.offerConnect(fx)
		case onWebSocket: // no other socket came
			a.ws.bound, a.ws.stale = false, a.ws.dialling
			a.drawFrom(fx, onLongPolling)
		}
	}
	if mono.Due(&a.rotation.dueAt, now.Time) {
		a.onRotationDue(fx, now)
	}
	if mono.Due(&a.rotation.quietAt, now.Time) {
		a.flushDeferred(fx, now)
	}
	if mono.Due(&a.rotation.closeAt, now.Time) {
		a.closeOldSocket(fx, now)
	}
	if mono.Due(&a.next.at, now.Time) { // behind what asks for it at once
		a.dial(fx, now)
	}
	if mono.Due(&a.handshake.graceUntil, now.Time) {
		a.wakePending(fx)
	}
}

// wakePending has HTTP draw what was woken while it might not.
func (a *auto) wakePending(fx *effects) {
	for lane := range a.pending {
		fx.wake[httpPipe][lane] = fx.wake[httpPipe][lane] || a.pending[lane]
	}
	a.pending = [2]bool{}
}

// onCheck begins anew with a socket that is not proven, and with none.
func (a *auto) onCheck(fx *effects, now mono.Moment) {
	if a.ws.owns || a.ws.drawing || a.next.notOffered {
		return
	}
	if a.ws.leg != 0 || a.ws.dialling {
		a.discardSocket(fx, errOutdated)
	}
	if !a.ws.stale {
		a.next.at = now.Time
	}
}

// abandonLateHandshake gives a late handshake by HTTP up, if there is a socket for it.
func (a *auto) abandonLateHandshake(fx *effects, now mono.Moment) {
	if a.handshake.leg != 0 && a.ws.leg != 0 && !a.ws.owns && !now.Before(a.handshake.limitAt) {
		fx.cutHTTP, fx.cause = a.handshake.leg, errHandshakeLate
	}
}

// cutSocket ends the socket, which is told of when its End comes.
func (a *auto) cutSocket(fx *effects, cause error) {
	if a.ws.leg != 0 {
		fx.cutSocket, fx.cause = a.ws.leg, cause
	}
}

// drawFrom has a pipe draw from now on, and wakes it.
func (a *auto) drawFrom(fx *effects, at phase) {
	a.phase, a.phaseEndAt = at, mono.Time{}
	p := httpPipe
	if at == onWebSocket || at == optimistic {
		p = socketPipe
	}
	fx.wake[p] = [2]bool{true, true}
	a.pending = [2]bool{}
}

// onWake sends a Wake to the pipe that draws. One that meets a turning valve is
// kept until it is turned.
func (a *auto) onWake(fx *effects, e event) {
	if !a.next.started {
		a.next.started = true
		a.dial(fx, e.now)
	}
	switch a.phase {
	case onLongPolling:
		if e.lane == transport.LaneConnect && a.readyToMove() {
			a.awaitExchanges(fx, e.now)
			return
		}
		fx.wake[httpPipe][e.lane] = true
	case finishingPoll:
		if e.lane == transport.LaneCommands {
			fx.wake[httpPipe][e.lane] = true
		} else {
			a.pending[e.lane] = true
		}
	case onWebSocket, optimistic:
		fx.wake[socketPipe][e.lane] = true
	case finishingConnect:
		if e.lane == transport.LaneCommands {
			fx.wake[socketPipe][e.lane] = true
		} else {
			a.pending[e.lane] = true
		}
	case offeringConnect:
		if a.pending[e.lane] = true; e.lane == transport.LaneConnect {
			fx.wake[httpPipe][e.lane] = true
		}
	default:
		a.pending[e.lane] = true
	}
}

// ripe: there is a session, HTTP had the chance to bring its first event, the
// socket can take its next connect, and none is out.
func (a *auto) readyToMove() bool {
	return a.ws.proven && a.http.heldPollSeen && !a.ws.owns && !a.http.keepNextPoll && a.told.transport != "" && a.handshake.leg == 0 && !a.hasDeferred() && !a.connectIsOut()
}

// switchTo has a pipe draw once the end of what was left is passed on.
func (a *auto) switchTo(left transport.LegID, next phase) {
	a.phase, a.handover.from, a.handover.to, a.phaseEndAt = switching, left, next, mono.Time{}
}

// polling: a connect is out by HTTP.
func (a *auto) connectIsOut() bool {
	for _, t := range a.http.exchanges.All() {
		if t.hasConnect || t.lane == transport.LaneConnect {
			return true
		}
	}
	return false
}

// awaitExchanges closes both pipes until every exchange has ended.
func (a *auto) awaitExchanges(fx *effects, now mono.Moment) {
	a.phase, a.phaseEndAt = awaitingExchanges, now.Add(a.replyLimit())
	a.advance(fx, now)
}

// settled: every exchange has ended, and the Handler has what it brought.
func (a *auto) exchangesDone(now mono.Moment) bool {
	return a.http.exchanges.Len() == 0 && !a.mustDefer(now)
}

// advance goes on when exchanges have ended.
func (a *auto) advance(fx *effects, now mono.Moment) {
	if a.phase == finishingPoll && !a.connectIsOut() {
		a.awaitExchanges(fx, now)
		return
	}
	if !a.exchangesDone(now) {
		return
	}
	if a.phase == awaitingExchanges {
		fx.wake[socketPipe][transport.LaneConnect] = true
	}
	if a.phase == switching && a.handover.from == 0 {
		a.drawFrom(fx, a.handover.to)
		if a.phase == onWebSocket && a.ws.leg == 0 {
			a.ws.dialling, a.phaseEndAt = true, now.Add(rescueLimit)
		}
	}
}

// replyLimit is how long something may take that takes a round trip.
func (a *auto) replyLimit() time.Duration {
	return min(max(3*a.http.srtt, minReplyLimit), maxReplyLimit)
}
