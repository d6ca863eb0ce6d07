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
	dialer    *Dialer
	options   Options // Header is a copy
	log       *slog.Logger
	settings  *transport.SessionConfig
	transport transport.Transport
	ctx       context.Context // is the Credentials hook's, and ends with Close
	cancel    context.CancelFunc

	base *transport.Target // as given to Dial
	ext  object            // Options.Ext

	shutOnce sync.Once

	mu           sync.Mutex // guards all below; what a step calls under it is of this package and never blocks
	state        State
	cause        error // of the state
	since        time.Time
	carrier      string        // the transport that carries the session
	decision     decision      // of it
	stateChanged chan struct{} // closed when state changes; nil: no caller waits for that
	err          error         // why it is closed; nil while it is not
	done         chan struct{} // closed with err
	dialed       chan struct{} // closed with the first handshake's reply; nil afterwards
	timer        *time.Timer
	timerAt      mono.Time // when timer fires; zero: it is not set

	clientID   string            // empty while there is no session
	oldSecrets *pastSecrets      // secrets that were in use; nil: none
	redactor   *strings.Replacer // of the batch that is being received, see redactorOf
	sessions   int               // handshakes that succeeded
	handshake  handshakeState
	advice     bayeux.Advice
	batch      int64 // last batch received whole
	connect    connectState
	outbox     outbox
	legs       legs.Map[*leg]
	topics     subscriptions
	backoff    backoff
	disconnect *op // the /meta/disconnect of Disconnect; nil: it was not called
	heldBytes  int // of all legs
	dropped    uint64
	stray      uint64

	ownsDialer   bool // dialer is this client's own; it is set before another goroutine has the client
	hasConnected bool // a connect of the present session succeeded
	ack          bool // the acknowledgement extension was negotiated
	unnamed      bool // the reply to the session's handshake had no id: no reply is expected to have one
	resent       bool // what a stale connection did not carry was sent again since a message came
	draining     bool // nothing new is taken
}

// A leg is what the client knows of a transport.Leg that carried something.
type leg struct {
	once              bool
	kind              string
	cut               bool
	stale             bool // it was cut because its session is over
	hadConnect        bool // it carries, or carried, a connect
	predatesLoss      bool // it was out when another died, without ack
	gapReported       bool // the gap for that one was put before what this one brought, too
	maybeConnectReply bool // it brought something that may have been the reply to its connect
	held              []bayeux.Message
	heldBytes         int // of held, as a bound counts them
}

// effects are what a step leaves to be done when the lock is gone, in this order.
type effects struct {
	cut      []transport.LegID
	cutErr   error
	connDied bool // a connection was found dead of which no end had come
	wake     [2]bool
	after    []func() // calls of the log, the trace, the transport and Options.Backoff
	yield    bool     // the processor goes to readers that are behind

	batchBytes int             // bytes of what is delivered in this step
	matching   []*topic        // that the event is for which is delivered
	sharing    []*Subscription // whose detachBatch is due at the end of the batch
}

var effectsPool = sync.Pool{New: func() any { return new(effects) }}

// release gives fx back to the pool, with the memory of its slices.
func (fx *effects) release() {
	clear(fx.after)
	clear(fx.matching)
	clear(fx.sharing)
	*fx = effects{cut: fx.cut[:0], after: fx.after[:0], matching: fx.matching[:0], sharing: fx.sharing[:0]}
	effectsPool.Put(fx)
}

// then has f called when the lock is gone.
func (fx *effects) then(f func()) { fx.after = append(fx.after, f) }

// step runs f as the only step, unless the client is closed, and does its effects.
func (c *Client) step(f func(*effects)) {
	fx := effectsPool.Get().(*effects)
	defer fx.release()
	c.mu.Lock()
	if c.err == nil {
		f(fx)
	}
	c.armTimer()
	idle := c.err != nil || c.backoff.pausing()
	c.mu.Unlock()
	if fx.connDied {
		c.settings.Shared.DropIdleConnections()
	}
	for _, id := range fx.cut {
		c.transport.Cut(id, fx.cutErr)
	}
	for lane, ok := range fx.wake {
		if ok && !idle {
			c.transport.Wake(transport.Lane(lane))
		}
	}
	for _, do := range fx.after {
		do()
	}
	if fx.yield {
		runtime.Gosched()
	}
}

// wakeLanes wakes the lanes on which something waits to leave.
func (c *Client) wakeLanes(fx *effects) {
	if c.clientID == "" { // what opens must carry the credential
		fx.wake[transport.LaneCommands] = !c.handshake.asking && !c.backoff.pausing() && c.mayHandshake(mono.Now())
	} else {
		fx.wake[transport.LaneCommands] = len(c.outbox.queue) > 0
	}
	fx.wake[transport.LaneConnect] = c.clientID != "" && c.connect.ready
}

// cutLeg cuts a leg after the step.
func (c *Client) cutLeg(fx *effects, id transport.LegID, why error) {
	if l := c.legs.Get(id); l != nil && !l.cut {
		l.cut = true
		l.stale = errors.Is(why, errStale)
		fx.cut, fx.cutErr = append(fx.cut, id), why
		fx.connDied = fx.connDied || errors.Is(why, ErrNoReply)
	}
}

// armTimer sets the one timer to the earliest instant at which something is due.
// A timer that fires early finds nothing to do and is set anew, so it is
// moved forward only.
func (c *Client) armTimer() {
	if c.err != nil {
		c.timer.Stop()
		return
	}
	at := mono.Earliest(c.backoff.pauseUntil, c.outbox.nextCheck, c.handshake.deadline, c.connect.deadline, c.connect.dueAt, c.handshake.slotDue, c.handshake.renewAt)
	if at.IsZero() || !c.timerAt.IsZero() && !at.Before(c.timerAt) {
		return
	}
	c.timerAt = at
	c.timer.Reset(max(mono.Until(at), 0))
}

// onTimer does what is due when the timer fires.
func (c *Client) onTimer() {
	c.step(func(fx *effects) {
		now := mono.Now()
		c.timerAt = mono.Time{}
		slotDue := mono.Due(&c.handshake.slotDue, now)
		if slotDue {
			c.handshake.giveUpLateSlot(now)
		}
		if mono.Due(&c.backoff.pauseUntil, now) || slotDue {
			c.wakeLanes(fx)
		}
		if mono.Due(&c.connect.deadline, now) {
			c.cutLeg(fx, c.connect.leg, ErrNoReply)
		}
		if mono.Due(&c.handshake.deadline, now) {
			c.cutLeg(fx, c.handshake.leg, ErrNoReply)
		}
		if mono.Due(&c.handshake.renewAt, now) {
			c.callCredentials(nil)
		}
		if mono.Due(&c.outbox.nextCheck, now) {
			c.onRepliesOverdue(fx, now)
		}
		if mono.Due(&c.connect.dueAt, now) {
			c.connect.onDue()
			fx.wake[transport.LaneConnect] = true
		}
	})
}
