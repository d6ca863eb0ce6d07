package fallback

import (
	"fmt"
	"time"
)

// A Mode says which transports may carry a session, and which is tried first.
type Mode uint8

// The modes.
const (
	// Auto is the default. The session begins by long-polling while a WebSocket
	// is opened and proven beside it, and moves there, and back when it dies.
	Auto Mode = iota
	// WebSocketFirst begins on a WebSocket and long-polls only where that fails:
	// one connection a session.
	WebSocketFirst
	// WebSocketOnly never long-polls: where no WebSocket passes, nothing does.
	WebSocketOnly
	// LongPollingOnly never opens a WebSocket.
	LongPollingOnly
)

var modes = [...]string{"auto", "websocket-first", "websocket", "long-polling"}

// String is the name that ParseMode reads.
func (m Mode) String() string {
	if int(m) < len(modes) {
		return modes[m]
	}
	return fmt.Sprintf("mode %d", uint8(m))
}

// ParseMode reads the name of a mode: auto, websocket-first, websocket or
// long-polling.
func ParseMode(name string) (Mode, error) {
	for m, known := range modes {
		if name == known {
			return Mode(m), nil
		}
	}
	return 0, fmt.Errorf("fallback: %.40q is no mode: want one of %q", name, modes)
}

// DefaultPatience is the Patience of a zero Policy.
const DefaultPatience = 3 * time.Second

// A Policy says how to choose. The zero value is ready. One Policy may serve
// any number of sessions.
type Policy struct {
	Mode Mode
	// Patience is, in WebSocketFirst, how long a socket may take to open, and
	// then again to answer the first message that wants an answer at once, before
	// long-polling is tried; in Auto how long HTTP may take for the handshake
	// while a WebSocket is open. 0 or less: DefaultPatience.
	Patience time.Duration
	// Memory is what sessions know together of the paths to servers. Nil: each
	// session finds out by itself.
	Memory *Memory

	onDecision func(Decision) // as given to New; nil: no function is called
}

// A Decision is which transport carries a session, and why. A change is announced
// when the new transport has answered, not when it is tried. Where From equals To the
// session stays where it is and something was found out: why it is on no WebSocket,
// and when the next is tried.
type Decision struct {
	Transport string // the connectionType that carries the session now; empty: none does yet
	From, To  string // connectionTypes; From is empty for the first decision, To equals Transport
	Reason    Reason
	Err       error     // the evidence; nil for ReasonFirst, ReasonBack and ReasonProven. Without secrets, as any error of a pipe
	Next      time.Time // in Auto, when a WebSocket is tried next; zero: at once, when HTTP has answered, or there is one
}

// A Reason says why a transport was chosen, or why it was not. It is one of the
// constants below; a later version may add more.
type Reason string

// The reasons. Those that name a failure name the WebSocket's.
const (
	ReasonFirst   Reason = "first"        // the session's first transport is the one that the Mode prefers
	ReasonRefused Reason = "refused"      // the server, or something on the way, refused the upgrade, or a proxy the tunnel for it
	ReasonHang    Reason = "hang"         // no answer to the upgrade came within the Patience
	ReasonWrong   Reason = "wrong answer" // the WebSocket opened and brought what is no Bayeux, or was closed instead of answering
	ReasonLost    Reason = "lost"         // the WebSocket opened and its connection died before an answer
	ReasonMute    Reason = "mute"         // the WebSocket opened and did not answer within the Patience
	ReasonDial    Reason = "dial failed"  // the WebSocket has a host and port of its own, to which there was no connection
	ReasonBack    Reason = "back"         // the WebSocket carries the session again
	ReasonProven  Reason = "proven"       // a WebSocket has shown that it carries messages both ways

	ReasonAffinity  Reason = "affinity"    // the server does not know the session on the WebSocket
	ReasonLifetime  Reason = "lifetime"    // WebSockets are cut at a certain age on this path: the session left it before, and another follows
	ReasonUnoffered Reason = "not offered" // the server's handshake offers no WebSocket
)
