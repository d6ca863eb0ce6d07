package fallback

import (
	"errors"

	"github.com/turold/turold/internal/mono"
	"github.com/turold/turold/transport"
)

var (
	errNotOpened = errors.New("fallback: the WebSocket does not open in time")
	errMute      = errors.New("fallback: the WebSocket is open and does not answer")
)

// onWake sends a Wake to the pipe that draws. Where neither does it is kept.
func (f *wsFirst) onWake(fx *effects, e event) {
	switch f.phase {
	case socketIdle:
		f.openSocket(fx, e.lane, e.now)
	case socketOpening, socketProving, socketServing:
		fx.wake[socketPipe][e.lane] = true
	case socketLeaving, httpLeaving:
		f.pending[e.lane] = true
	case httpServing:
		// A handshake cuts what it finds, so nothing of the old session is out.
		if e.lane == transport.LaneCommands && f.handshakeNext && len(f.legs) == 0 && !f.notOffered && f.mayRetrySocket(e.now) {
			f.handshakeNext = false
			f.openSocket(fx, e.lane, e.now)
			return
		}
		fx.wake[httpPipe][e.lane] = true
	case httpTrying:
		fx.wake[httpPipe][e.lane] = true
	}
}

func (f *wsFirst) mayRetrySocket(now mono.Moment) bool {
	return f.failedAt.IsZero() || now.Sub(f.failedAt) >= socketRetryPause
}

// openSocket wakes the socket pipe: an open socket asks at once, and where there is
// none the pipe dials.
func (f *wsFirst) openSocket(fx *effects, lane transport.Lane, now mono.Moment) {
	f.phase, f.patienceEndAt = socketOpening, now.Add(f.patience)
	fx.wake[socketPipe][lane] = true
}

// onAsk says whether the leg may ask the Handler, and takes it down as out:
// a draw in progress keeps the other pipe shut.
func (f *wsFirst) onAsk(fx *effects, e event) bool {
	f.transports[e.pipe] = e.transport
	owes := f.legs[e.leg]
	carries := owes != nil
	if e.pipe == httpPipe {
		if f.phase != httpTrying && f.phase != httpServing {
			return false
		}
		f.legs[e.leg] = owes
		return true
	}
	switch f.phase {
	case socketIdle, socketOpening, socketProving, socketServing:
	case socketLeaving, httpTrying, httpServing:
		if !carries {
			f.unusedSocket = e.leg
			fx.drainSocket = e.leg
		}
		return false
	default:
		return false
	}
	f.legs[e.leg] = owes
	if !carries {
		f.unusedSocket = e.leg
	}
	if f.phase == socketOpening && !carries { // one that carries was dropped: it is not the one that opens
		f.phase, f.patienceEndAt = socketIdle, mono.Time{}
	}
	return true
}

// onDrawn notes what the Handler gave to a leg.
func (f *wsFirst) onDrawn(fx *effects, e event) {
	if len(e.batch) == 0 {
		if f.legs[e.leg] == nil {
			delete(f.legs, e.leg)
		}
		f.advance(fx, e.now)
		return
	}
	f.requestsOf(e.leg).add(e.batch)
	if e.pipe == httpPipe {
		f.handshakeNext = f.handshakeNext && !hasHandshake(e.batch)
		return
	}
	if f.unusedSocket == e.leg {
		f.unusedSocket = 0
	}
	switch f.phase {
	case socketLeaving: // it was given up while it drew
		fx.cutSocket, fx.cause = e.leg, f.failErr
	case socketIdle, socketOpening, socketProving, socketServing:
		if f.socketLeg != e.leg {
			f.phase, f.socketLeg, f.patienceEndAt = socketProving, e.leg, mono.Time{}
		}
		if f.phase == socketProving && f.patienceEndAt.IsZero() && answeredAtOnce(e.batch) {
			f.patienceEndAt = e.now.Add(f.patience)
			if f.unansweredSince.IsZero() {
				f.unansweredSince = e.now.Time
			}
		}
	}
}

// onReceive looks at what a pipe hands up: the first answer decides.
func (f *wsFirst) onReceive(fx *effects, e event) {
	fx.pass = e.leg != f.unusedSocket
	var got replies
	if owes := f.legs[e.leg]; owes != nil {
		got = owes.match(e.batch)
	}
	switch {
	case e.pipe == socketPipe:
		if f.phase == socketProving && e.leg == f.socketLeg && got.answered {
			f.phase, f.patienceEndAt, f.unansweredSince, f.httpFailed = socketServing, mono.Time{}, mono.Time{}, false
			f.announce(fx, socketPipe, ReasonBack, nil)
		}
	case f.phase == httpTrying:
		f.onHTTPAnswer(fx)
		fallthrough
	case f.phase == httpServing:
		f.readHTTPReplies(got)
	}
}

// onHTTPAnswer takes the first answer on HTTP. If HTTP had failed as well since the
// socket did, that failure says nothing of the socket.
func (f *wsFirst) onHTTPAnswer(fx *effects) {
	f.phase = httpServing
	if f.httpFailed {
		f.httpFailed, f.failedAt = false, mono.Time{}
	}
	f.announce(fx, httpPipe, f.failReason, f.failErr)
}

// readHTTPReplies notes what the replies by HTTP say of the session.
func (f *wsFirst) readHTTPReplies(got replies) {
	f.handshakeNext = f.handshakeNext || got.needsHandshake
	if types, ok := offersWebSocket(got.handshake); ok {
		f.notOffered = !types
	}
}

// requestsOf are what a leg that the Handler knows carries and was not answered.
func (f *wsFirst) requestsOf(id transport.LegID) *outstanding {
	if f.legs[id] == nil {
		f.legs[id] = new(outstanding)
	}
	return f.legs[id]
}

// announce makes a Decision if the transport is another than before.
func (f *wsFirst) announce(fx *effects, p pipe, reason Reason, cause error) {
	to := f.transports[p]
	if f.told == to {
		return
	}
	if f.told == "" && p == socketPipe {
		reason = ReasonFirst
	}
	fx.decisions = append(fx.decisions, Decision{Transport: to, From: f.told, To: to, Reason: reason, Err: cause})
	f.told = to
}

// onDropped goes on after the Handler has cut or drained a leg. Sockets that it gives
// up before they answer, one after the other, use up the patience as one does that it
// waits for.
func (f *wsFirst) onDropped(e event) {
	if e.leg != f.socketLeg || f.phase != socketProving && f.phase != socketServing {
		return
	}
	if !f.unansweredSince.IsZero() && e.now.Sub(f.unansweredSince) >= f.patience {
		f.leaveSocket(ReasonMute, errMute, e.now)
		return
	}
	f.phase, f.socketLeg, f.patienceEndAt = socketIdle, 0, mono.Time{}
}

// onTimer leaves a socket when the patience has ended.
func (f *wsFirst) onTimer(fx *effects, e event) {
	if f.patienceEndAt.IsZero() || e.now.Before(f.patienceEndAt) {
		return
	}
	switch f.phase {
	case socketOpening: // the dial goes on, and is turned away if it comes to something
		f.leaveSocket(ReasonHang, errNotOpened, e.now)
		f.advance(fx, e.now)
	case socketProving:
		fx.cutSocket, fx.cause = f.socketLeg, errMute
		f.leaveSocket(ReasonMute, errMute, e.now)
	}
}

// leaveSocket gives the socket up for a reason.
func (f *wsFirst) leaveSocket(reason Reason, cause error, now mono.Moment) {
	f.phase, f.socketLeg, f.patienceEndAt, f.unansweredSince = socketLeaving, 0, mono.Time{}, mono.Time{}
	f.failedAt, f.failReason, f.failErr = now.Time, reason, cause
}

// advance has the other pipe draw when nothing is out any more.
func (f *wsFirst) advance(fx *effects, now mono.Moment) {
	if len(f.legs) > 0 {
		return
	}
	pending := f.pending
	switch f.phase {
	case socketLeaving:
		f.phase, f.pending = httpTrying, [2]bool{}
		fx.wake[httpPipe] = [2]bool{true, true}
	case httpLeaving:
		f.phase, f.pending = socketIdle, [2]bool{}
		for lane, was := range pending { // a Wake for nothing would dial
			if was {
				f.openSocket(fx, transport.Lane(lane), now)
			}
		}
	}
}
