package fallback

import (
	"time"

	"github.com/turold/turold/bayeux"
	"github.com/turold/turold/internal/mono"
	"github.com/turold/turold/transport"
)

// A place is where the choice stands.
type place uint8

const (
	idle      place = iota // the socket draws, if it is open, and carries nothing
	opening                // it was woken and has not asked yet: the patience runs
	proving                // it carries messages and has not answered; the patience runs once an answer is due
	serving                // it has answered
	leaving                // nobody draws until every End of a socket was passed on; then HTTP is tried
	trying                 // HTTP draws and has not answered
	polling                // HTTP draws and has answered
	returning              // nobody draws until the last End of HTTP was passed on; then it is the socket's turn
	closed                 // nobody draws any more
)

func (p place) String() string {
	return [...]string{"idle", "opening", "proving", "serving", "leaving", "trying", "polling", "returning", "closed"}[p]
}

// A pipe is one of the two.
type pipe uint8

const (
	onSocket pipe = iota
	onHTTP
)

// A kind is what can happen.
type kind uint8

const (
	woken   kind = iota // the Handler woke a lane
	asks                // a pipe asks for a batch
	drew                // the Handler has answered that
	brought             // a pipe hands messages up
	ended               // a pipe hands a leg's end up
	passed              // and that is done
	dropped             // the Handler cut or drained a leg
	late                // the timer fired
	closes              // the Handler closes the transport
	checks              // the Handler wants to know what lives
	handed              // what a pipe brought is with the Handler, if that was asked for
	let                 // what waited is
	vacated             // the socket pipe has let go of what was to be cut or drained
)

// An event is one thing that happened.
type event struct {
	kind     kind
	now      mono.Moment
	pipe     pipe             // of asks, drew, brought, ended, passed
	leg      transport.LegID  // of those, and of dropped
	lane     transport.Lane   // of woken and asks
	batch    []bayeux.Message // of drew and brought
	err      *transport.Error // of ended
	shared   bool             // with err: both pipes go to the same host and port
	affinity bool             // of brought: the handshake by HTTP set a cookie that is not CometD's own
}

// effects are what is to be done after an event.
type effects struct {
	pass      bool            // of asks, brought, ended: the call goes through to the Handler
	elsewhere bool            // of ended: the Handler need not back off
	told      []Decision      // those that were made
	cut       transport.LegID // on the socket pipe, for cause; zero: none
	cause     error
	drain     transport.LegID // on the socket pipe; zero: none
	wake      [2][2]bool      // by pipe and lane

	batch   []bayeux.Message // of asks: what the leg carries instead of the Handler's; of brought: what is passed on instead of what came; nil: that
	hold    *time.Duration   // of asks: the longest hold to ask for; nil: the pipe's
	let     []closing        // what waited, and is passed on now
	echo    bool             // of brought: say when the Handler has it
	cutHTTP transport.LegID  // on the other pipe, for cause; zero: none
}

// A chooser is a choice between the two pipes, as a function of events alone.
type chooser interface {
	step(event) effects
	due() mono.Time // when it wants a late event; zero: never
}

// redial is how long after a failure no socket is tried for a new session.
const redial = time.Minute

// A choice is the valve without pipes, clock and lock: step takes what happens
// and says what to do. It is a function of its events alone.
type choice struct {
	patience time.Duration

	at       place
	deadline mono.Time // the end of the patience; zero: it does not run
	since    mono.Time // since when a socket owes the first answer, over all sockets without one; zero: none does
	pending  [2]bool   // lanes woken while nobody draws
	carrier  string    // the transport of the last Decision

	// The legs from when they ask until they have nothing to carry or their End
	// was passed on; nil: the Handler has given them nothing.
	out    map[transport.LegID]*ledger
	leg    transport.LegID // the socket that proves itself or serves
	virgin transport.LegID // the last socket that asked and was given nothing: the Handler does not know it

	failed   mono.Time // when a socket failed; zero: none did, or HTTP did as well
	reason   string    // of that
	evidence error
	down     bool // HTTP failed too, and nothing has answered since
	fresh    bool // on HTTP: the server has forgotten the session, a handshake is next
	unwanted bool // the server's last handshake by HTTP offered no websocket
}

func newChoice(patience time.Duration) *choice {
	return &choice{patience: patience, out: map[transport.LegID]*ledger{}}
}

func (c *choice) due() mono.Time { return c.deadline }

// step takes one event.
func (c *choice) step(e event) (fx effects) {
	switch e.kind {
	case woken:
		c.woken(&fx, e)
	case asks:
		fx.pass = c.mayDraw(&fx, e)
	case drew:
		c.drew(&fx, e)
	case brought:
		c.brought(&fx, e)
	case ended:
		c.ended(&fx, e)
	case passed:
		delete(c.out, e.leg)
		c.settle(&fx, e.now)
	case dropped:
		c.dropped(e)
	case late:
		c.late(&fx, e)
	case vacated: // see race
		fx.wake[onSocket][transport.LaneCommands] = c.at == opening
	case closes:
		c.at, c.deadline = closed, mono.Time{}
	}
	return fx
}
