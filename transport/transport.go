package transport

import (
	"sync/atomic"
	"time"

	"github.com/turold/turold/bayeux"
)

// A Transport is one session's way to one server. All methods are safe for
// concurrent use.
type Transport interface {
	// Types are its connectionTypes, best first; constant.
	Types() []string
	// Wake says that the Handler may have something for the lane: open what
	// must be opened, then draw until Next has nothing. It never blocks. A Wake
	// during a draw causes another draw after it.
	Wake(Lane)
	// Drain ends a leg in order: draw no more, take what was already sent, then
	// End(nil); after one second the leg is ended all the same, with Op "drain".
	// Unknown and ended legs, and those that are one exchange, are ignored.
	Drain(LegID)
	// Cut ends a leg now; its End has Op "cut" and carries cause. It does not
	// wait for that End. Unknown and ended legs are ignored.
	Cut(id LegID, cause error)
	// Check has every open socket show that it lives, without waiting for it:
	// one that does not answer within three seconds ends, with Op "ping". An
	// exchange cannot be asked, and is left alone.
	Check()
	// Close cuts every leg and waits until no goroutine is left; End may run
	// meanwhile, afterwards no Handler method does. It must not be called from
	// inside one. Calling it again waits likewise.
	Close() error
}

// A Handler is what a Transport carries for. None of its methods blocks.
type Handler interface {
	// Next is asked for one batch, to leave on leg at once as one frame or body.
	// Nil: nothing to say on this lane. The pipe does not keep the slice.
	Next(lane Lane, leg Leg) []bayeux.Message
	// Receive takes a whole frame or body, in the order of arrival; the slice
	// and what it points to are the Handler's from then on.
	Receive(id LegID, ms []bayeux.Message)
	// End is the last call for a leg, once for each that carried a batch or
	// failed to open. Nil: it ended in order, and what was not answered on it
	// never will be.
	End(id LegID, err *Error)
}

// An Opener makes a Transport for a session. It does no I/O and calls nothing
// before the first Wake.
type Opener func(*SessionConfig, Handler) Transport

// A Leg is what lives and dies as one: a socket, or one HTTP exchange.
type Leg struct {
	ID   LegID
	Type string // the connectionType of a /meta/connect on it
	// Once: one batch, one answer, then End: an exchange. To be late on it means
	// to Cut it; on a socket a late command concerns that command alone.
	Once  bool
	Hold  time.Duration // the longest hold to ask a connect for; 0: answer at once. A valve may lower it
	Limit int           // bytes of a batch that are sure to be taken: less after a server refused a larger one
}

// A LegID names a leg. It is unique in the process, so that pipes compose
// without renaming; zero is no leg.
type LegID uint64

var legs atomic.Uint64

// NewLegID returns a LegID that was never returned before.
func NewLegID() LegID { return LegID(legs.Add(1)) }

// A Lane keeps what the server may hold apart from what it answers at once. An
// exchange belongs to one lane and a pipe has at most one exchange a lane; on a
// socket both lanes share the leg.
type Lane uint8

// The lanes.
const (
	LaneCommands Lane = iota // handshake, subscribe, publish, disconnect
	LaneConnect              // /meta/connect, which the server may hold
)

// The connectionTypes of the module's own pipes (Bayeux section 2.2.5).
const (
	WebSocket   = "websocket"
	LongPolling = "long-polling"
)

// What a pipe asks a connect for, and how much it puts into a batch, unless it
// has learnt better.
const (
	DefaultHold = 25 * time.Second // under the 30 s at which many intermediaries, and CometD 6 and 7 themselves, cut a silent connection
	SocketLimit = 32 << 10         // half of CometD's default limit for a frame
	HTTPLimit   = 256 << 10
)
