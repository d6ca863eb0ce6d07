package fallback

import (
	"time"

	"github.com/turold/turold/bayeux"
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

// A pipe is one of the two.
type pipe uint8

const (
	socketPipe pipe = iota
	httpPipe
)

// A eventKind is what can happen.
type eventKind uint8

const (
	eventWake             eventKind = iota // the Handler woke a lane
	eventAsk                               // a pipe asks for a batch
	eventDrawn                             // the Handler has answered that
	eventReceive                           // a pipe hands messages up
	eventEnd                               // a pipe hands a leg's end up
	eventEndDelivered                      // and that is done
	eventDropped                           // the Handler cut or drained a leg
	eventTimer                             // the timer fired
	eventClose                             // the Handler closes the transport
	eventCheck                             // the Handler wants to know what lives
	eventReceiveDelivered                  // what a pipe brought is with the Handler, if that was asked for
	eventFlushed                           // what waited is
	eventVacated                           // the socket pipe has let go of what was to be cut or drained
)

// An event is one thing that happened.
type event struct {
	kind      eventKind
	now       mono.Moment
	pipe      pipe             // of asks, drew, brought, ended, passed
	leg       transport.LegID  // of those, and of dropped
	lane      transport.Lane   // of woken and asks
	batch     []bayeux.Message // of drew and brought
	err       *transport.Error // of ended
	sameHost  bool             // with err: both pipes go to the same host and port
	newCookie bool             // of brought: the handshake by HTTP set a cookie that is not CometD's own
}

// effects are what is to be done after an event.
type effects struct {
	pass        bool            // of asks, brought, ended: the call goes through to the Handler
	retryNow    bool            // of ended: the Handler need not back off
	decisions   []Decision      // those that were made
	cutSocket   transport.LegID // on the socket pipe, for cause; zero: none
	cause       error
	drainSocket transport.LegID // on the socket pipe; zero: none
	wake        [2][2]bool      // by pipe and lane

	batch   []bayeux.Message // of asks: what the leg carries instead of the Handler's; of brought: what is passed on instead of what came; nil: that
	hold    *time.Duration   // of asks: the longest hold to ask for; nil: the pipe's
	flush   []deferredCall   // what waited, and is passed on now
	confirm bool             // of brought: say when the Handler has it
	cutHTTP transport.LegID  // on the other pipe, for cause; zero: none
}

// A machine is a choice between the two pipes, as a function of events alone.
type machine interface {
	step(event) effects
	timerAt() mono.Time // when it wants a late event; zero: never
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
