package client

import (
	"context"
	"errors"
	"log/slog"
	"runtime"
	"strings"
	"sync"
	"time"

	"github.com/turold/turold/bayeux"
	"github.com/turold/turold/internal/legs"
	"github.com/turold/turold/internal/mono"
	"github.com/turold/turold/transport"
)

// A Client is one session with one server, and whatever sessions follow it
// when the server forgets it. Its methods are safe for concurrent use. It
// must be closed.
type Client struct {
	d   *Dialer
	o   Options // Header is a copy
	log *slog.Logger
	s   *transport.SessionConfig
	t   transport.Transport
	ctx context.Context // ends with Close; for the Credentials hook
	end context.CancelFunc

	base *transport.Target // as given to Dial
	ext  object            // Options.Ext

	shutOnce sync.Once

	mu    sync.Mutex // guards all below; what is called under it is of this package and never blocks
	state State
	cause error // of the state
	since time.Time
	carry string        // the transport that carries the session
	why   choice        // of it
	moved chan struct{} // closed when state changes; nil: nobody waits for that
	err   error         // why it is closed; nil while it is not
	done  chan struct{} // closed with err
	begun chan struct{} // closed with the first handshake's reply; nil afterwards
	timer *time.Timer
	next  mono.Time // when timer fires; zero: it is not set

	seq       uint64            // commands that were made
	id        string            // clientId; empty while there is no session
	past      *past             // secrets that were in use; nil: none
	hidden    *strings.Replacer // of the batch that is being received, see hiding
	sessions  int               // handshakes that succeeded
	shake     shake
	advice    bayeux.Advice
	batch     int64 // last batch received whole
	cycle     cycle
	out       outbox
	legs      legs.Map[*leg]
	topics    topics
	failures  failures
	leaving   *op // the /meta/disconnect of Disconnect
	heldBytes int // of all legs
	dropped   uint64
	stray     uint64

	owned    bool  // d is this client's own; set before anybody else has it
	lived    bool  // a connect of the present session succeeded
	ack      bool  // negotiated
	unnamed  bool  // the reply to the session's handshake had no id: no reply is expected to have one
	resent   bool  // something was sent again at once since the last answer
	draining bool  // nothing new is taken
	suspect  doubt // a gap is due before whatever comes
}

// A leg is what the client knows of one that carried something.
type leg struct {
	once    bool
	kind    string
	cut     bool
	stale   bool // it was cut because its session is over
	connect bool // it carries, or carried, a connect
	older   bool // it was out when another died without ack
	doubted bool // and the gap was told before what it brought, too
	vague   bool // it brought something that may have been the reply to its connect
	held    []bayeux.Message
	bytes   int // of held, as a bound counts them
}

// fx is what a step wants done when the lock is gone, in this order.
type fx struct {
	cut  []transport.LegID
	why  error
	dead bool // a connection was, and nobody had said so
	wake [2]bool
	do   []func() // tell the log and the trace
	turn bool     // let who is behind have the processor

	batch   int             // bytes of what is delivered in this step
	reached []*topic        // by the event that is delivered
	shares  []*Subscription // that have to settle what they keep of the batch
}

var effects = sync.Pool{New: func() any { return new(fx) }}

// done gives e back, with the memory of its slices.
func (e *fx) done() {
	clear(e.do)
	clear(e.reached)
	clear(e.shares)
	*e = fx{cut: e.cut[:0], do: e.do[:0], reached: e.reached[:0], shares: e.shares[:0]}
	effects.Put(e)
}

func (e *fx) tell(f func()) { e.do = append(e.do, f) }

// step runs f as the only step, unless the client is closed, and does its effects.
func (c *Client) step(f func(*fx)) {
	e := effects.Get().(*fx)
	defer e.done()
	c.mu.Lock()
	if c.err == nil {
		f(e)
	}
	c.arm()
	idle := c.err != nil || !c.failures.until.IsZero()
	c.mu.Unlock()
	if e.dead {
		c.s.Shared.DropIdleConnections()
	}
	for _, id := range e.cut {
		c.t.Cut(id, e.why)
	}
	for lane, ok := range e.wake {
		if ok && !idle {
			c.t.Wake(transport.Lane(lane))
		}
	}
	for _, do := range e.do {
		do()
	}
	if e.turn {
		runtime.Gosched()
	}
}

// draws wakes the lanes on which something waits to leave.
func (c *Client) draws(e *fx) {
	if c.id == "" { // what opens must carry the credential
		e.wake[transport.LaneCommands] = !c.shake.asking && c.failures.until.IsZero() && c.admitted(mono.Now())
	} else {
		e.wake[transport.LaneCommands] = len(c.out.queue) > 0
	}
	e.wake[transport.LaneConnect] = c.id != "" && c.cycle.ready
}

// cutLeg has the leg cut after the step.
func (c *Client) cutLeg(e *fx, id transport.LegID, why error) {
	if l := c.legs.Get(id); l != nil && !l.cut {
		l.cut = true
		l.stale = errors.Is(why, errStale)
		e.cut, e.why = append(e.cut, id), why
		e.dead = e.dead || errors.Is(why, ErrLate)
	}
}

// arm sets the one timer to the earliest instant at which something is due.
// A timer that fires early finds nothing to do and is set anew, so it is
// moved forward only.
func (c *Client) arm() {
	if c.err != nil {
		c.timer.Stop()
		return
	}
	at := mono.Earliest(c.failures.until, c.out.late, c.shake.late, c.cycle.late, c.cycle.due, c.shake.opens, c.shake.renew)
	if at.IsZero() || !c.next.IsZero() && !at.Before(c.next) {
		return
	}
	c.next = at
	c.timer.Reset(max(mono.Until(at), 0))
}

// tick is the timer's.
func (c *Client) tick() {
	c.step(func(e *fx) {
		now := mono.Now()
		c.next = mono.Time{}
		opens := mono.Due(&c.shake.opens, now)
		if opens {
			c.shake.missed(now)
		}
		if mono.Due(&c.failures.until, now) || opens {
			c.draws(e)
		}
		if mono.Due(&c.cycle.late, now) {
			c.cutLeg(e, c.cycle.leg, ErrLate)
		}
		if mono.Due(&c.shake.late, now) {
			c.cutLeg(e, c.shake.leg, ErrLate)
		}
		if mono.Due(&c.shake.renew, now) {
			c.authorize(nil)
		}
		if mono.Due(&c.out.late, now) {
			c.overdue(e, now)
		}
		if mono.Due(&c.cycle.due, now) {
			c.cycle.ready, c.cycle.first = true, false
			e.wake[transport.LaneConnect] = true
		}
	})
}
