package attacks

import (
	"slices"
	"strings"
	"sync"
	"time"
)

// A Place is what the bytes of an attack stand in the place of.
type Place uint8

// The places.
const (
	AsBody    Place = iota // the JSON in which a message is answered, by either pipe
	AsAnswer               // the HTTP answer to a POST
	AsUpgrade              // the answer to a WebSocket's upgrade
	AsFrames               // the frame in which a message is answered on a WebSocket
	AsTunnel               // a proxy's answer to CONNECT
)

// Channels whose messages an attack strikes at. Event is what a test publishes
// and subscribes to; it is granted everything.
const (
	Handshake = "/meta/handshake"
	Connect   = "/meta/connect"
	Subscribe = "/meta/subscribe"
	Event     = "/a"
)

// An Attack is what is said, where, and what the user must see of it.
type Attack struct {
	Name  string
	Place Place
	On    string // the channel of the message it answers; empty: each handshake in one run, one publish in another
	Times int    // how often it strikes; 0: each time
	Ack   bool   // the server offers acknowledgement
	Beside
	Payload
	Sees Sees
}

// Beside says what becomes of the honest answer.
type Beside uint8

// The honest answer may be missing, as by default, or stand on either side.
const (
	Instead Beside = iota
	Before         // the attack, then the honest answer
	After          // the honest answer, then the attack
)

// A Payload is Head, Loop again and again, and Tail. In AsBody, {id} is the id of
// the message that is answered, {client} the clientId, {honest} the honest
// replies without their brackets, {others} those to other messages, each with a comma; in an AsUpgrade {accept} is the right
// Sec-WebSocket-Accept; in an AsAnswer {answer} is what is left of the honest one; anywhere {other} is the
// address of another origin, and
// {1} the number of the strike.
type Payload struct {
	Head  string
	Loop  string
	Times int // of the Loop; Endless: until the client has enough
	Tail  string
	Slow  time.Duration // between single bytes; 0: as fast as it goes
	Hang  bool          // the connection is left open, and silent
}

// Endless are the Times of a Loop that does not end.
const Endless = -1

// Sees is what the user must be told. Zero: nothing, the session goes on as if
// nothing had been. Op, TooLarge, Late, Refused, Left, Fails and Lacking are conditions on
// one error, which may come from anywhere a user is told of one.
type Sees struct {
	Op       string // of the *transport.Error
	Status   int    // of the same
	TooLarge bool   // it wraps bayeux.ErrTooLarge
	Late     bool   // it wraps client.ErrNoReply, or the context's error where the caller's time was up first
	Refused  bool   // it wraps a *bayeux.Error
	Left     bool   // it wraps client.ErrServerEnded
	Fails    bool   // it is an *client.OpError, and of no other type that is named here
	Lacking  bool   // no reply came: Late, or Op cut, on a socket, Fails, TooLarge or Op decode by long-polling
	May      bool   // or is told nothing: it depends on who is first
	Ends     bool   // the session ends with it; otherwise it works again when the attack is over
	Dropped  int    // events that were counted as nobody's, at least
	Stray    int    // other messages that were counted as nobody's, at least
	Requests int    // messages of the client in the two seconds after a strike, at most; 0: not looked at
	Keeps    int    // heap it may take, in limits of a message; 0: 4
}

// Error reports whether the user must see an error.
func (s Sees) Error() bool {
	return s.Op != "" || s.TooLarge || s.Late || s.Refused || s.Left || s.Fails || s.Lacking
}

// Pipes are the connectionTypes that it can be tried on.
func (a Attack) Pipes() []string {
	switch a.Place {
	case AsAnswer:
		return []string{"long-polling"}
	case AsUpgrade, AsFrames:
		return []string{"websocket"}
	}
	return []string{"websocket", "long-polling"}
}

// All is the table.
func All() []Attack { return slices.Clone(all()) }

// all is made once: bombs take a while to pack.
var all = sync.OnceValue(func() []Attack {
	return slices.Concat(upgrades(), answers(), unwanted(), frames(), bodies(), spoofs(), handshakes(), advices(), tunnels())
})

// fill puts values in the place of names.
func (p Payload) fill(names ...string) Payload {
	r := strings.NewReplacer(names...)
	p.Head, p.Loop, p.Tail = r.Replace(p.Head), r.Replace(p.Loop), r.Replace(p.Tail)
	return p
}

// size is the number of bytes; negative: there is no end.
func (p Payload) size() int {
	if p.Times == Endless {
		return -1
	}
	return len(p.Head) + p.Times*len(p.Loop) + len(p.Tail)
}
