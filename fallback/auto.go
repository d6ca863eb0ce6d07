package fallback

import (
	"errors"
	"time"

	"github.com/turold/turold/internal/mono"
	"github.com/turold/turold/transport"
)

var (
	errSessionUnknown = errors.New("fallback: the server does not know the session on the WebSocket")
	errOutdated       = errors.New("fallback: the WebSocket was opened before the handshake, without what that brought")
	errNotOffered     = errors.New("fallback: the server offers no WebSocket")
	errSocketEnded    = errors.New("fallback: the WebSocket ended")
	errHandshakeLate  = errors.New("fallback: HTTP does not answer the handshake, and a WebSocket is open")
	errSocketsFail    = errors.New("fallback: WebSockets fail on this path")
)

// A phase is which transport carries the session in the mode Auto, and what is
// under way.
type phase uint8

const (
	onLongPolling     phase = iota // HTTP draws; a socket is opened and proven beside it, or none is
	finishingPoll                  // the socket is proven: HTTP draws commands until its poll has ended
	awaitingExchanges              // neither draws until every exchange has ended; then the socket is offered the connect
	confirming                     // the socket has the connect; neither draws until it is answered
	optimistic                     // the socket draws and has answered nothing: sockets have lately been proven on this path
	onWebSocket                    // the socket draws
	finishingConnect               // the socket is to be left: it draws commands until its connect has ended
	awaitingReplies                // neither draws until the socket has brought every reply
	offeringConnect                // HTTP is offered the connect, and nothing else is drawn
	switching                      // neither draws until the Handler has the End of what was left; then handover.to follows
	autoClosed                     // neither draws any more
)

func (s phase) String() string {
	return [...]string{"onLongPolling", "finishingPoll", "awaitingExchanges", "confirming", "optimistic", "onWebSocket", "finishingConnect", "awaitingReplies", "offeringConnect", "switching", "closed"}[s]
}

// Times and limits of Auto.
const (
	minReplyLimit   = time.Second
	maxReplyLimit   = 10 * time.Second
	minHold         = 250 * time.Millisecond // of a poll while a socket may be about to take over
	maxHold         = time.Second
	evidenceWindow  = 5 * time.Second  // a failure of a socket counts if HTTP answers this near to it
	retryPause      = 5 * time.Second  // before the next try after a failure that shows nothing
	rescueLimit     = 2 * time.Second  // for another socket to go on with a session that HTTP does not know
	shortLifeAge    = 30 * time.Second // a socket that carried the session and died younger counts as one that dies as soon as it serves
	maxShortLives   = 3                // so many of them in a row are a failure of sockets
	maxLostSessions = 2                // so many sessions in a row that HTTP did not know any more show that it cannot keep one
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
	pending    [2]bool   // lanes that the Handler woke while no pipe might draw them

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
	case eventAsk, eventDrawn, eventReceive, eventEnd:
		if e.pipe == httpPipe {
			a.onHTTP(&fx, e)
		} else {
			a.onSocket(&fx, e)
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
	case eventVacated: // until now a socket on its way out took the Wake that was to dial
		fx.wake[socketPipe][transport.LaneConnect] = a.ws.stage.isDialing()
	case eventClose:
		a.onClose(&fx, e.now)
	}
	return fx
}

// onHTTP takes what the HTTP pipe does.
func (a *auto) onHTTP(fx *effects, e event) {
	switch e.kind {
	case eventAsk:
		a.onHTTPAsk(fx, e)
	case eventDrawn:
		a.onHTTPDrawn(fx, e)
	case eventReceive:
		a.onHTTPReceive(fx, e)
	case eventEnd:
		a.onHTTPEnd(fx, e)
	}
}

// onSocket takes what the socket pipe does.
func (a *auto) onSocket(fx *effects, e event) {
	switch e.kind {
	case eventAsk:
		a.onSocketAsk(fx, e)
		a.ws.drawing = a.ws.drawing || fx.pass
	case eventDrawn:
		a.onSocketDrawn(fx, e)
	case eventReceive:
		a.onSocketReceive(fx, e)
	case eventEnd:
		a.onSocketEnd(fx, e)
	}
}

// timerAt is when step wants an eventTimer.
func (a *auto) timerAt() mono.Time {
	if a.phase == autoClosed {
		return mono.Time{}
	}
	return mono.Earliest(a.handshake.lateAt, a.ws.probe.answerBy, a.ws.probe.againAt, a.phaseEndAt, a.next.at,
		a.rotation.dueAt, a.rotation.quietAt, a.rotation.closeAt, a.handshake.graceUntil)
}

// onTimer does what is due. The dial comes behind what asks for one at once.
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
		a.onPhaseEnd(fx)
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
	if mono.Due(&a.next.at, now.Time) {
		a.dial(fx, now)
	}
	if mono.Due(&a.handshake.graceUntil, now.Time) {
		a.wakePending(fx)
	}
}

// onPhaseEnd goes on where a phase has waited for long enough.
func (a *auto) onPhaseEnd(fx *effects) {
	switch a.phase {
	case awaitingExchanges:
		if !a.ws.drawing { // otherwise the outcome of the draw decides
			a.http.keepNextPoll = true
			a.drawFrom(fx, onLongPolling)
		}
	case confirming, optimistic:
		a.cutSocket(fx, errMute)
	case awaitingReplies: // the replies may still come, on the socket that is read on
		a.offerConnect(fx)
	case onWebSocket: // no other socket came
		a.ws.bound, a.ws.stage = false, a.ws.stage.unwanted()
		a.drawFrom(fx, onLongPolling)
	}
}

// onWake sends a Wake to the pipe that draws. Where neither does it is kept.
func (a *auto) onWake(fx *effects, e event) {
	if !a.next.started {
		a.next.started = true
		a.dial(fx, e.now)
	}
	command := e.lane == transport.LaneCommands
	switch {
	case a.phase == onLongPolling && !command && a.readyToMove():
		a.awaitExchanges(fx, e.now)
	case a.phase == onLongPolling, a.phase == finishingPoll && command:
		fx.wake[httpPipe][e.lane] = true
	case a.phase == onWebSocket, a.phase == optimistic, a.phase == finishingConnect && command:
		fx.wake[socketPipe][e.lane] = true
	default:
		a.pending[e.lane] = true
		fx.wake[httpPipe][e.lane] = a.phase == offeringConnect && !command
	}
}

// wakePending wakes HTTP for the lanes that the Handler woke while HTTP might not draw.
func (a *auto) wakePending(fx *effects) {
	for lane := range a.pending {
		fx.wake[httpPipe][lane] = fx.wake[httpPipe][lane] || a.pending[lane]
	}
	a.pending = [2]bool{}
}

// onCheck opens a new socket in the place of one that is not proven, or of none.
func (a *auto) onCheck(fx *effects, now mono.Moment) {
	if a.ws.stage.carries() || a.ws.drawing || a.next.notOffered {
		return
	}
	if a.ws.stage != stageNone {
		a.discardSocket(fx, errOutdated)
	}
	if a.ws.stage != stageDialingUnwanted {
		a.next.at = now.Time
	}
}

// onClose ends the choice. The Handler gets what waited for it.
func (a *auto) onClose(fx *effects, now mono.Moment) {
	a.phase = autoClosed
	a.releaseDial()
	if c := a.handshake.heldEnd; c != nil {
		a.deferred.calls, a.handshake.heldEnd = append(a.deferred.calls, *c), nil
	}
	a.flushDeferred(fx, now)
}

// cutSocket ends the socket. What follows is decided when its End comes.
func (a *auto) cutSocket(fx *effects, cause error) {
	if a.ws.stage.isOpen() {
		fx.cutSocket, fx.cause = a.ws.leg, cause
	}
}

// drawFrom begins a phase in which one pipe draws, and wakes that pipe.
func (a *auto) drawFrom(fx *effects, to phase) {
	a.phase, a.phaseEndAt = to, mono.Time{}
	p := httpPipe
	if to == onWebSocket || to == optimistic {
		p = socketPipe
	}
	fx.wake[p] = [2]bool{true, true}
	a.pending = [2]bool{}
}

// switchTo lets neither pipe draw until the Handler has the End of the leg that
// was left.
func (a *auto) switchTo(left transport.LegID, to phase) {
	a.phase, a.handover, a.phaseEndAt = switching, handover{from: left, to: to}, mono.Time{}
}

// readyToMove reports whether the socket may take the next connect: there is a
// session, HTTP had the chance to bring its first event, the socket is proven,
// and no connect is out.
func (a *auto) readyToMove() bool {
	return a.ws.stage == stageProven && a.http.heldPollSeen && !a.http.keepNextPoll && a.told.transport != "" && a.handshake.leg == 0 && !a.hasDeferred() && !a.connectIsOut()
}

// connectIsOut reports whether HTTP carries a connect.
func (a *auto) connectIsOut() bool {
	for _, x := range a.http.exchanges.All() {
		if x.hasConnect || x.lane == transport.LaneConnect {
			return true
		}
	}
	return false
}

// awaitExchanges lets neither pipe draw until every exchange has ended.
func (a *auto) awaitExchanges(fx *effects, now mono.Moment) {
	a.phase, a.phaseEndAt = awaitingExchanges, now.Add(a.replyLimit())
	a.advance(fx, now)
}

// exchangesDone reports whether every exchange has ended, and the Handler has
// what it brought.
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
	if a.phase != switching || a.handover.from != 0 {
		return
	}
	a.drawFrom(fx, a.handover.to)
	if a.phase == onWebSocket && !a.ws.stage.isOpen() { // the socket died: another is to go on with its session
		if a.phaseEndAt = now.Add(rescueLimit); a.ws.stage == stageNone {
			a.ws.stage = stageDialing
		}
	}
}

// replyLimit is how long something may take that takes a round trip.
func (a *auto) replyLimit() time.Duration {
	return min(max(3*a.http.srtt, minReplyLimit), maxReplyLimit)
}
