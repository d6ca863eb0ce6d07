package fallback

import (
	"time"

	"github.com/turold/turold/bayeux"
	"github.com/turold/turold/internal/mono"
	"github.com/turold/turold/transport"
)

// A machine chooses between the two pipes, without pipes, clock and lock: it is
// a function of its events alone.
type machine interface {
	step(event) effects
	timerAt() mono.Time // when it wants an eventTimer; zero: never
}

// A pipe is one of the two that the valve stands over.
type pipe uint8

const (
	socketPipe pipe = iota
	httpPipe
)

// An eventKind says what has happened.
type eventKind uint8

const (
	eventWake             eventKind = iota // the Handler woke a lane
	eventAsk                               // a leg asks for a batch
	eventDrawn                             // the Handler has answered that
	eventReceive                           // a pipe hands messages up
	eventEnd                               // a pipe hands the End of a leg up
	eventEndDelivered                      // the Handler has that End, or need not have it
	eventDropped                           // the Handler cut or drained a leg
	eventTimer                             // the timer fired
	eventClose                             // the Handler closes the transport
	eventCheck                             // the Handler wants to know which connections live
	eventReceiveDelivered                  // the Handler has what a pipe handed up, where effects.confirm asked for this
	eventFlushed                           // the Handler has what effects.flush held
	eventVacated                           // the socket pipe has let go of the leg that was to be cut or drained
)

// An event is one thing that happened.
type event struct {
	kind      eventKind
	now       mono.Moment
	pipe      pipe             // of Ask, Drawn, Receive, End and EndDelivered
	leg       transport.LegID  // of those, and of Dropped
	transport string           // of Ask: the leg's connectionType
	lane      transport.Lane   // of Wake and Ask
	batch     []bayeux.Message // of Drawn and Receive
	err       *transport.Error // of End
	sameHost  bool             // with err: both pipes go to the same host and port
	newCookie bool             // of Receive: the handshake by HTTP set a cookie that is not CometD's own
}

// effects are what the valve does after an event.
type effects struct {
	pass        bool            // of Ask, Receive and End: the call goes through to the Handler
	retryNow    bool            // of End: the Handler need not back off
	decisions   []Decision      // those that were made
	cutSocket   transport.LegID // the leg that the socket pipe cuts, for cause; zero: none
	cause       error
	drainSocket transport.LegID // the leg that the socket pipe drains; zero: none
	wake        [2][2]bool      // which lanes of which pipe are woken

	batch   []bayeux.Message // of Ask: what the leg carries instead of the Handler's batch; of Receive: what the Handler gets instead of what came; nil: that
	hold    *time.Duration   // of Ask: the longest hold to ask for; nil: the pipe's
	flush   []deferredCall   // what the Handler gets now, after it had to wait
	confirm bool             // of Receive: an eventReceiveDelivered follows
	cutHTTP transport.LegID  // the leg that the HTTP pipe cuts, for cause; zero: none
}
