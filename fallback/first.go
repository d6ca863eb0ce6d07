package fallback

import (
	"time"

	"github.com/turold/turold/internal/mono"
	"github.com/turold/turold/transport"
)

// A firstPhase is which transport carries the session in the mode WebSocketFirst,
// and what is under way.
type firstPhase uint8

const (
	socketIdle    firstPhase = iota // the socket draws, if it is open, and carries nothing
	socketOpening                   // the socket was woken and has not asked yet: the patience runs
	socketProving                   // the socket carries messages and has not answered; the patience runs once an answer is due
	socketServing                   // the socket has answered
	socketLeaving                   // neither draws until the Handler has every End of a socket; then HTTP is tried
	httpTrying                      // HTTP draws and has not answered
	httpServing                     // HTTP draws and has answered
	httpLeaving                     // neither draws until the Handler has the last End of HTTP; then it is the socket's turn
	firstClosed                     // neither draws any more
)

func (p firstPhase) String() string {
	return [...]string{"socketIdle", "socketOpening", "socketProving", "socketServing", "socketLeaving", "httpTrying", "httpServing", "httpLeaving", "closed"}[p]
}

// socketRetryPause is how long after a failure no socket is tried for a new session.
const socketRetryPause = time.Minute

// A wsFirst is the machine of the mode WebSocketFirst.
type wsFirst struct {
	patience time.Duration

	phase           firstPhase
	patienceEndAt   mono.Time // when the patience ends; zero: it does not run
	unansweredSince mono.Time // since when sockets, one after the other, have not answered; zero: none is waited for
	pending         [2]bool   // lanes that the Handler woke while neither pipe might draw
	told            string    // the connectionType of the last Decision; empty: there was none
	transports      [2]string // the connectionType of the legs of each pipe that has asked

	// The legs that are out: each from when it asks until it has nothing to carry,
	// or the Handler has its End; nil: the Handler has given it nothing.
	legs         map[transport.LegID]*outstanding
	socketLeg    transport.LegID // the socket of socketProving and socketServing
	unusedSocket transport.LegID // the last socket that asked and was given nothing: the Handler does not know it

	failedAt      mono.Time // when a socket failed last; zero: none did, or HTTP failed as well
	failReason    Reason
	failErr       error
	httpFailed    bool // HTTP has failed too, and nothing has answered since
	handshakeNext bool // on HTTP: the server does not know the session any more
	notOffered    bool // the server offered no WebSocket in its last handshake by HTTP
}

func newWSFirst(patience time.Duration) *wsFirst {
	return &wsFirst{patience: patience, legs: map[transport.LegID]*outstanding{}}
}

func (f *wsFirst) timerAt() mono.Time { return f.patienceEndAt }

// step takes one event.
func (f *wsFirst) step(e event) (fx effects) {
	switch e.kind {
	case eventWake:
		f.onWake(&fx, e)
	case eventAsk:
		fx.pass = f.onAsk(&fx, e)
	case eventDrawn:
		f.onDrawn(&fx, e)
	case eventReceive:
		f.onReceive(&fx, e)
	case eventEnd:
		f.onEnd(&fx, e)
	case eventEndDelivered:
		delete(f.legs, e.leg)
		f.advance(&fx, e.now)
	case eventDropped:
		f.onDropped(e)
	case eventTimer:
		f.onTimer(&fx, e)
	case eventVacated: // until now a socket on its way out took the Wake that was to dial
		fx.wake[socketPipe][transport.LaneCommands] = f.phase == socketOpening
	case eventClose:
		f.phase, f.patienceEndAt = firstClosed, mono.Time{}
	}
	return fx
}
