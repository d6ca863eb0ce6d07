package fallback

import (
	"errors"
	"time"

	"github.com/turold/turold/bayeux"
	"github.com/turold/turold/internal/legs"
	"github.com/turold/turold/internal/mono"
	"github.com/turold/turold/transport"
)

var (
	errAffinity = errors.New("fallback: the server does not know the session on the WebSocket")
	errStanding = errors.New("fallback: the WebSocket was opened before what the handshake brought")
	errUnwanted = errors.New("fallback: the server offers no WebSocket")
	errEnded    = errors.New("fallback: the WebSocket ended")
	errShake    = errors.New("fallback: HTTP does not answer the handshake, and a WebSocket is open")
	errFailing  = errors.New("fallback: WebSockets fail on this way")
)

// A stand is where the parallel choice stands.
type stand uint8

const (
	anchored stand = iota // HTTP draws; a socket is opened and proven beside it, or none is
	quieting              // the socket is proven: HTTP draws commands until its poll has ended
	shut                  // nobody draws until every exchange has ended; then the socket is offered a connect
	adopting              // the socket has it; nobody draws until it is answered
	bold                  // the socket draws, and has answered nothing: one was proven here a short while ago
	upgraded              // the socket draws
	parting               // it is to be left: it draws commands until its connect has ended
	clearing              // nobody draws until it owes nothing
	offering              // HTTP is offered the connect, and nobody else draws
	turning               // nobody draws until the End of what was left is passed on; then next does
	over                  // nobody draws any more
)

func (s stand) String() string {
	return [...]string{"anchored", "quieting", "shut", "adopting", "bold", "upgraded", "parting", "clearing", "offering", "turning", "over"}[s]
}

// Times of the parallel choice.
const (
	leastPatience = time.Second
	mostPatience  = 10 * time.Second
	leastHold     = 250 * time.Millisecond // of a poll while a socket may be about to take over
	mostHold      = time.Second
	evidence      = 5 * time.Second  // a socket's failure counts if HTTP works this near to it
	calm          = 5 * time.Second  // before the next try after a failure that shows nothing
	reborn        = 2 * time.Second  // for another socket to go on with a session that HTTP cannot
	shortLife     = 30 * time.Second // of sockets that die as soon as they serve
	shortLives    = 3                // of those in a row are a failure of sockets
	maxStrange    = 2                // sessions in a row that HTTP did not know any more
)

// A race is the choice of the mode Auto, without pipes, clock and lock: the
// handshake goes by HTTP while a socket is dialled, HTTP serves, and the session
// moves to the socket once that has shown that it carries messages. What it
// shares with other sessions is in mem.
type race struct {
	mem     *Memory
	way     func() string // the way that the next socket goes
	key     string        // the way of the last
	longest time.Duration // that HTTP may take for the handshake while a socket is open

	at      stand
	next    stand           // of turning
	pending [2]bool         // lanes woken while nobody draws
	left    transport.LegID // of turning
	carrier string          // the transport of the last Decision

	// HTTP.
	out      legs.Map[*trip] // from when it asks until its End was passed on
	answered mono.Time       // when it answered last
	srtt     time.Duration
	shaking  transport.LegID // carries a handshake
	shakeBy  mono.Time       // when it is late
	late     mono.Time       // the same, until that was seen
	held     *closing        // its end, which waits for the dial
	strange  int             // sessions in a row that HTTP did not know afterwards
	down     bool            // it failed since it answered
	control  bool            // an exchange of our own is to say whether HTTP works
	skip     bool            // the next poll goes by HTTP, whatever is proven
	warm     bool            // a poll that the server could hold was answered since
	fresh    bool            // a session began, and no connect was granted since

	// The socket.
	sock     transport.LegID // the open one; zero: none is
	probe    mono.Time       // when the probe is to be answered
	again    mono.Time       // when it is sent once more
	until    mono.Time       // the end of shut, adopting, and of waiting for a reborn one
	gone     legs.Map[bool]
	since    mono.Time // when it began to serve
	lives    int       // short ones in a row
	opened   mono.Time // when it did
	owes     ledger    // of it
	test     probe     // of it
	rotate   mono.Time // when it is to be left, because of its age; zero: never
	begun    bool      // the first was dialled
	dialling bool
	stale    bool // what the dial comes to is not wanted
	asked    bool // for leave to open it: Memory.end is due
	proven   bool // it has answered
	owns     bool // it carries the session, and the Handler knows it
	born     bool // the session began on it: HTTP does not know it
	drawing  bool // it is inside the Handler's Next, and what it gets is out on it
	letting  bool // some of what was kept is on its way to the Handler
	scout    bool // an exchange of our own is to say whether HTTP works, before it is left for its age

	// One that was left while it worked, and is read on.
	parted  transport.LegID // zero: none is
	partBy  mono.Time       // when it is to close
	quietAt mono.Time       // when nothing more is expected of it
	kept    []closing       // what HTTP brought meanwhile

	grace mono.Time // until when HTTP does not go on after the handshake, because a socket may open

	// What comes next.
	redial   mono.Time // when a socket is to be opened
	queued   bool      // until then others open theirs
	want     bool      // and if HTTP answers before, then
	unwanted bool      // the server offers none
	doubt    mono.Time // of a failure that waits for evidence; zero: none does
	doubted  string    // its reason
	doubtErr *transport.Error
	stays    noSocket
	reason   string // why the socket was left
	cause    error
}

// A noSocket is why the session is on no socket, as far as that was found out
// since it was on one.
type noSocket struct {
	reason string // empty: nothing was
	err    error
	due    bool // it is told when HTTP has answered
}

// A trip is an exchange of HTTP.
type trip struct {
	lane    transport.Lane
	sent    mono.Time
	prompt  bool // the server need not hold it
	connect bool // it has a connect
	own     bool // it is ours, and the Handler knows nothing of it
	owes    ledger
}

// A closing is an End that was not passed on yet, or, with a batch, a Receive.
type closing struct {
	leg   transport.LegID
	err   *transport.Error
	batch []bayeux.Message
}

func newRace(mem *Memory, way func() string, longest time.Duration) *race {
	return &race{mem: mem, way: way, longest: longest}
}

// step takes one event.
func (r *race) step(e event) (fx effects) {
	if r.at == over && e.kind != ended && e.kind != passed && e.kind != let {
		return fx
	}
	switch e.kind {
	case woken:
		r.woken(&fx, e)
	case asks:
		if e.pipe == onHTTP {
			r.httpAsks(&fx, e)
		} else {
			r.socketAsks(&fx, e)
			r.drawing = r.drawing || fx.pass
		}
	case drew:
		if e.pipe == onHTTP {
			r.httpDrew(&fx, e)
		} else {
			r.socketDrew(&fx, e)
		}
	case brought:
		if e.pipe == onHTTP {
			r.httpBrought(&fx, e)
		} else {
			r.socketBrought(&fx, e)
		}
	case ended:
		if e.pipe == onHTTP {
			r.httpEnded(&fx, e)
		} else {
			r.socketEnded(&fx, e)
		}
	case passed:
		r.out.Delete(e.leg)
		if e.leg == r.left {
			r.left = 0
		}
		r.settle(&fx, e.now)
	case checks:
		r.recheck(&fx, e.now)
	case late:
		r.timer(&fx, e.now)
	case handed:
		r.parts(&fx, e.now)
	case let:
		r.lets(&fx, e.now)
	case vacated: // until now a socket on its way out took what was to dial
		fx.wake[onSocket][transport.LaneConnect] = r.dialling && r.sock == 0
	case closes:
		r.at = over
		r.release()
		if r.held != nil {
			r.kept, r.held = append(r.kept, *r.held), nil
		}
		r.letGo(&fx, e.now)
	}
	return fx
}

// due is when step wants to be told the time.
func (r *race) due() mono.Time {
	if r.at == over {
		return mono.Time{}
	}
	return mono.Earliest(r.late, r.probe, r.again, r.until, r.redial, r.rotate, r.quietAt, r.partBy, r.grace)
}

func (r *race) timer(fx *effects, now mono.Moment) {
	if mono.Due(&r.late, now.Time) {
		r.hurry(fx, now)
	}
	if mono.Due(&r.probe, now.Time) {
		r.again = mono.Time{}
		r.cut(fx, errMute)
	}
	if mono.Due(&r.again, now.Time) {
		fx.wake[onSocket][transport.LaneConnect] = true
	}
	if mono.Due(&r.until, now.Time) {
		switch r.at {
		case shut:
			if !r.drawing { // what the draw comes to decides
				r.skip = true
				r.open(fx, anchored)
			}
		case adopting, bold:
			r.cut(fx, errMute)
		case clearing: // what it owes may still come
			r.offer(fx)
		case upgraded: // no other socket came
			r.born, r.stale = false, r.dialling
			r.open(fx, anchored)
		}
	}
	if mono.Due(&r.rotate, now.Time) {
		r.depart(fx, now)
	}
	if mono.Due(&r.quietAt, now.Time) {
		r.letGo(fx, now)
	}
	if mono.Due(&r.partBy, now.Time) {
		r.farewell(fx, now)
	}
	if mono.Due(&r.redial, now.Time) { // behind what asks for it at once
		r.dial(fx, now)
	}
	if mono.Due(&r.grace, now.Time) {
		r.wakePending(fx)
	}
}

// wakePending has HTTP draw what was woken while it might not.
func (r *race) wakePending(fx *effects) {
	for lane := range r.pending {
		fx.wake[onHTTP][lane] = fx.wake[onHTTP][lane] || r.pending[lane]
	}
	r.pending = [2]bool{}
}

// recheck begins anew with a socket that is not proven, and with none.
func (r *race) recheck(fx *effects, now mono.Moment) {
	if r.owns || r.drawing || r.unwanted {
		return
	}
	if r.sock != 0 || r.dialling {
		r.leave(fx, errStanding)
	}
	if !r.stale {
		r.redial = now.Time
	}
}

// hurry gives a late handshake by HTTP up, if there is a socket for it.
func (r *race) hurry(fx *effects, now mono.Moment) {
	if r.shaking != 0 && r.sock != 0 && !r.owns && !now.Before(r.shakeBy) {
		fx.cutHTTP, fx.cause = r.shaking, errShake
	}
}

// cut ends the socket, which is told of when its End comes.
func (r *race) cut(fx *effects, cause error) {
	if r.sock != 0 {
		fx.cut, fx.cause = r.sock, cause
	}
}

// open has a pipe draw from now on, and wakes it.
func (r *race) open(fx *effects, at stand) {
	r.at, r.until = at, mono.Time{}
	p := onHTTP
	if at == upgraded || at == bold {
		p = onSocket
	}
	fx.wake[p] = [2]bool{true, true}
	r.pending = [2]bool{}
}

// woken sends a Wake to the pipe that draws. One that meets a turning valve is
// kept until it is turned.
func (r *race) woken(fx *effects, e event) {
	if !r.begun {
		r.begun = true
		r.dial(fx, e.now)
	}
	switch r.at {
	case anchored:
		if e.lane == transport.LaneConnect && r.ripe() {
			r.shut(fx, e.now)
			return
		}
		fx.wake[onHTTP][e.lane] = true
	case quieting:
		if e.lane == transport.LaneCommands {
			fx.wake[onHTTP][e.lane] = true
		} else {
			r.pending[e.lane] = true
		}
	case upgraded, bold:
		fx.wake[onSocket][e.lane] = true
	case parting:
		if e.lane == transport.LaneCommands {
			fx.wake[onSocket][e.lane] = true
		} else {
			r.pending[e.lane] = true
		}
	case offering:
		if r.pending[e.lane] = true; e.lane == transport.LaneConnect {
			fx.wake[onHTTP][e.lane] = true
		}
	default:
		r.pending[e.lane] = true
	}
}

// ripe: there is a session, HTTP had the chance to bring its first event, the
// socket can take its next connect, and none is out.
func (r *race) ripe() bool {
	return r.proven && r.warm && !r.owns && !r.skip && r.carrier != "" && r.shaking == 0 && !r.holdsBack() && !r.polling()
}

// turn has a pipe draw once the end of what was left is passed on.
func (r *race) turn(left transport.LegID, next stand) {
	r.at, r.left, r.next, r.until = turning, left, next, mono.Time{}
}

// polling: a connect is out by HTTP.
func (r *race) polling() bool {
	for _, t := range r.out.All() {
		if t.connect || t.lane == transport.LaneConnect {
			return true
		}
	}
	return false
}

// shut closes both pipes until every exchange has ended.
func (r *race) shut(fx *effects, now mono.Moment) {
	r.at, r.until = shut, now.Add(r.patience())
	r.settle(fx, now)
}

// settled: every exchange has ended, and the Handler has what it brought.
func (r *race) settled(now mono.Moment) bool { return r.out.Len() == 0 && !r.keeps(now) }

// settle goes on when exchanges have ended.
func (r *race) settle(fx *effects, now mono.Moment) {
	if r.at == quieting && !r.polling() {
		r.shut(fx, now)
		return
	}
	if !r.settled(now) {
		return
	}
	if r.at == shut {
		fx.wake[onSocket][transport.LaneConnect] = true
	}
	if r.at == turning && r.left == 0 {
		r.open(fx, r.next)
		if r.at == upgraded && r.sock == 0 {
			r.dialling, r.until = true, now.Add(reborn)
		}
	}
}

// patience is how long something may take that takes a round trip.
func (r *race) patience() time.Duration {
	return min(max(3*r.srtt, leastPatience), mostPatience)
}
