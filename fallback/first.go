package fallback

import (
	"time"

	"github.com/turold/turold/internal/mono"
	"github.com/turold/turold/transport"
)

// A firstPhase is where the choice stands.
type firstPhase uint8

const (
	socketIdle    firstPhase = iota // the socket draws, if it is open, and carries nothing
	socketOpening                   // it was woken and has not asked yet: the patience runs
	socketProving                   // it carries messages and has not answered; the patience runs once an answer is due
	socketServing                   // it has answered
	socketLeaving                   // nobody draws until every End of a socket was passed on; then HTTP is tried
	httpTrying                      // HTTP draws and has not answered
	httpServing                     // HTTP draws and has answered
	httpLeaving                     // nobody draws until the last End of HTTP was passed on; then it is the socket's turn
	firstClosed                     // nobody draws any more
)

func (p firstPhase) String() string {
	return [...]string{"socketIdle", "socketOpening", "socketProving", "socketServing", "socketLeaving", "httpTrying", "httpServing", "httpLeaving", "closed"}[p]
}

// socketRetryPause is how long after a failure no socket is tried for a new session.
const socketRetryPause = time.Minute

// A wsFirst is the valve without pipes, clock and lock: step takes what happens
// and says what to do. It is a function of its events alone.
type wsFirst struct {
	patience time.Duration

	phase           firstPhase
	patienceEndAt   mono.Time // the end of the patience; zero: it does not run
	unansweredSince mono.Time // since when a socket owes the first answer, over all sockets without one; zero: none does
	pending         [2]bool   // lanes woken while nobody draws
	told            string    // the transport of the last Decision

	// The legs from when they ask until they have nothing to carry or their End
	// was passed on; nil: the Handler has given them nothing.
	legs         map[transport.LegID]*outstanding
	socketLeg    transport.LegID // the socket that proves itself or serves
	unusedSocket transport.LegID // the last socket that asked and was given nothing: the Handler does not know it

	failedAt      mono.Time // when a socket failed; zero: none did, or HTTP did as well
	failReason    Reason    // of that
	failErr       error
	httpFailed    bool // HTTP failed too, and nothing has answered since
	handshakeNext bool // on HTTP: the server has forgotten the session, a handshake is next
	notOffered    bool // the server's last handshake by HTTP offered no websocket
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
	case eventVacated: // see race
		fx.wake[socketPipe][transport.LaneCommands] = f.phase == socketOpening
	case eventClose:
		f.phase, f.patienceEndAt = firstClosed, mono.Time{}
	}
	return fx
}
