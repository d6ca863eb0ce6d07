package transport

import (
	"sync/atomic"
	"time"

	"github.com/turold/turold/bayeux"
)

// A Transport is one session's way to one server. All methods are safe for
// concurrent use.
type Transport interface {
	// Types returns the connectionTypes of the transport, best first. They never change.
	Types() []string
	// Wake says that the Handler may have something for the lane. The transport opens
	// what must be opened, then draws until Next returns nothing. Wake never blocks. A
	// Wake during a draw causes another draw after it.
	Wake(Lane)
	// Drain ends a leg in order: the transport draws no more on it, receives what the
	// server has already sent, then calls End(nil). After one second it ends the leg all
	// the same, with Op "drain". It ignores unknown and ended legs, and those that are
	// one exchange.
	Drain(LegID)
	// Cut ends a leg now; its End has Op "cut" and carries cause. Cut does not wait for
	// that End. It ignores unknown and ended legs.
	Cut(id LegID, cause error)
	// Check asks every open socket for a sign of life, and does not wait for it: a
	// socket that does not answer within three seconds ends, with Op "ping". An
	// exchange cannot be asked, and stays as it is.
	Check()
	// Close cuts every leg and waits until no goroutine is left; End may run
	// meanwhile, afterwards no Handler method does. It must not be called from
	// inside one. Calling it again waits likewise.
	Close() error
}

// A Handler is what a Transport carries for. None of its methods blocks.
type Handler interface {
	// Next returns one batch, which the pipe sends on leg at once, as one frame or body.
	// Nil: there is nothing to send on this lane. The pipe does not keep the slice.
	Next(lane Lane, leg Leg) []bayeux.Message
	// Receive takes the messages of a whole frame or body, in the order of arrival. The
	// slice and what it points to belong to the Handler from then on.
	Receive(id LegID, ms []bayeux.Message)
	// End is the last call for a leg. It is called once for each leg that carried a
	// batch or failed to open. Nil: the leg ended in order, and what was not answered on
	// it never will be.
	End(id LegID, err *Error)
}

// An Opener makes a Transport for a session. It does no I/O and calls nothing
// before the first Wake.
type Opener func(*SessionConfig, Handler) Transport

// A Leg is what opens and ends as one: a socket, or one HTTP exchange.
type Leg struct {
	ID   LegID
	Type string // the connectionType of a /meta/connect on it
	// Once marks an exchange: one batch, one answer, then End. A Handler whose command is
	// late on it has to Cut it; on a socket only that command is late.
	Once  bool
	Hold  time.Duration // the longest hold to ask a connect for; 0: answer at once. A valve may lower it
	Limit int           // bytes of a batch that the server is sure to take: less after it has refused a larger one
}

// A LegID names a leg. It is unique in the process, so that pipes compose
// without renaming; zero is no leg.
type LegID uint64

var legs atomic.Uint64

// NewLegID returns a LegID that it has never returned before. Safe for concurrent use.
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

// The hold that a pipe asks a connect for, and the bytes that it puts into a batch, until
// it has learnt other values.
const (
	DefaultHold = 25 * time.Second // under the 30 s at which many intermediaries, and CometD 6 and 7 themselves, cut a silent connection
	SocketLimit = 32 << 10         // half of CometD's default limit for a frame
	HTTPLimit   = 256 << 10
)
