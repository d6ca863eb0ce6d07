package fallback

import (
	"time"

	"github.com/turold/turold/bayeux"
	"github.com/turold/turold/internal/legs"
	"github.com/turold/turold/internal/mono"
	"github.com/turold/turold/transport"
)

// httpSide is what auto knows of HTTP.
type httpSide struct {
	transport    string              // the connectionType of the last exchange that asked
	stage        stage               // none until it answers; then proven or failed
	keepNextPoll bool                // the next poll stays on HTTP, even if a socket is proven
	heldPollSeen bool                // a poll that the server could hold was answered in this session
	exchanges    legs.Map[*exchange] // each from when it asks until its End was passed on
	answeredAt   mono.Time           // when HTTP answered last
	srtt         time.Duration       // the smoothed round trip
}

// An exchange is one request of HTTP and its response.
type exchange struct {
	lane           transport.Lane
	sentAt         mono.Time
	answeredAtOnce bool // the server has no reason to hold it
	hasConnect     bool
	own            bool // the valve made it, and the Handler knows nothing of it
	requests       outstanding
}

// socketSide is what auto knows of the socket.
type socketSide struct {
	transport    string // the connectionType of the last socket that opened
	pathKey      string // the path of the last dial in the Memory
	stage        stage
	reserved     bool            // the Memory counts the dial: Memory.release is due
	bound        bool            // the session began on a socket: HTTP does not know it
	drawing      bool            // the socket is inside the Handler's Next, and what it gets counts as out
	leg          transport.LegID // the open socket; zero: none is open
	openedAt     mono.Time
	carriesSince mono.Time
	shortLives   int // how many sockets in a row died young
	probe        probe
	requests     outstanding
	discarded    legs.Map[bool] // sockets that the valve closes, until they have ended
}

// isLeg reports whether a leg is the open socket.
func (s *socketSide) isLeg(id transport.LegID) bool { return s.stage.isOpen() && id == s.leg }

// opened takes a socket that has opened.
func (s *socketSide) opened(e event) {
	s.transport, s.stage, s.leg, s.openedAt = e.transport, stageOpen, e.leg, e.now.Time
	s.requests, s.probe = outstanding{}, probe{}
}

// take gives the open socket the session.
func (s *socketSide) take() {
	s.stage = s.stage.carrying()
	s.probe.stopTimers()
}

// reset forgets the socket, and a dial.
func (s *socketSide) reset() { s.leaveAt(stageNone) }

// discard forgets the socket; a dial goes on unwanted.
func (s *socketSide) discard() { s.leaveAt(s.stage.unwanted()) }

func (s *socketSide) leaveAt(at stage) {
	s.stage, s.leg, s.drawing = at, 0, false
	s.probe.stopTimers()
}

// httpHandshake is what auto knows of the handshake that goes by HTTP.
type httpHandshake struct {
	leg          transport.LegID // the exchange that carries it; zero: none does
	limitAt      mono.Time       // when it is late
	lateAt       mono.Time       // the same instant, until the timer has fired for it
	graceUntil   mono.Time       // until when HTTP draws nothing after it, because a socket may be about to open
	heldEnd      *deferredCall   // the End of the exchange, which waits for the outcome of the dial
	lostSessions int             // sessions in a row that HTTP did not know at their first connect
	unconfirmed  bool            // a session began, and no connect was granted since
}

// ended forgets the exchange that carried the handshake.
func (h *httpHandshake) ended() { h.leg, h.lateAt = 0, mono.Time{} }

// rotation is how auto leaves a socket for its age.
type rotation struct {
	dueAt     mono.Time       // when the socket is to be left; zero: never
	oldLeg    transport.LegID // the socket that was left and is read on; zero: none is
	closeAt   mono.Time       // when that one is closed
	quietAt   mono.Time       // when nothing more is expected of it
	checkHTTP bool            // an exchange of the valve's own is to say whether HTTP works, before the socket is left
}

// reset forgets what was planned for a socket that is gone. One that was left
// before is still read.
func (r *rotation) reset() { r.dueAt, r.checkHTTP = mono.Time{}, false }

// oldEnded forgets the socket that was read on.
func (r *rotation) oldEnded() { r.oldLeg, r.closeAt = 0, mono.Time{} }

// deferred is what HTTP has brought and the Handler has yet to get.
type deferred struct {
	calls    []deferredCall
	flushing bool // some of them are on their way to the Handler
}

// A deferredCall is an End that was not passed on yet, or, with a batch, a Receive.
type deferredCall struct {
	leg   transport.LegID
	err   *transport.Error
	batch []bayeux.Message
}

// nextDial is when auto opens the next socket.
type nextDial struct {
	at          mono.Time // zero: no time is set
	started     bool      // the first dial was decided on
	queued      bool      // until then other sessions open theirs
	afterAnswer bool      // if HTTP answers before at, it is opened then
	notOffered  bool      // the server offers no socket
}

// set plans a dial for an instant, whatever HTTP answers before.
func (n *nextDial) set(at mono.Time) { n.at, n.afterAnswer = at, false }

// reset forgets what was planned: there is no dial to come, or it is made now.
func (n *nextDial) reset() { n.set(mono.Time{}) }

// pendingVerdict is a failure that counts against sockets if HTTP turns out to work.
type pendingVerdict struct {
	since     mono.Time // zero: there is none
	reason    Reason
	err       *transport.Error
	checkHTTP bool // an exchange of the valve's own is to say whether HTTP works
}

// reset forgets the failure.
func (v *pendingVerdict) reset() { *v = pendingVerdict{} }

// announced is what the user was told last, and what is to be told next.
type announced struct {
	transport string // the connectionType of the last Decision; empty: there was none
	pipe      pipe   // the pipe that it belongs to
	leftFor   Reason // the Reason for which the socket was left
	leftErr   error
	staying   staying
}

// isOn reports whether the last Decision named the transport of a pipe.
func (t *announced) isOn(p pipe) bool { return t.transport != "" && t.pipe == p }

// left notes why the socket was left.
func (t *announced) left(reason Reason, err error) { t.leftFor, t.leftErr = reason, err }

// reset forgets why the session was on no socket.
func (t *announced) reset() { t.leftFor, t.leftErr, t.staying = "", nil, staying{} }

// staying is why the session is on no socket, as far as that was found out
// since it was on one.
type staying struct {
	reason Reason // empty: nothing was found out
	err    error
	untold bool // the Decision is made when HTTP has answered
}

// handover is the pause between two transports: neither draws until the Handler
// has the End of the leg that was left.
type handover struct {
	from transport.LegID // that leg; zero: its End was passed on
	to   phase
}
