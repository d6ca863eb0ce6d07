package fallback

import (
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/turold/turold/bayeux"
	"github.com/turold/turold/internal/mono"
	"github.com/turold/turold/transport"
)

// A valve is the Transport over two pipes: what happens goes into the choice,
// one event at a time, and what the choice wants is done when the lock is gone.
type valve struct {
	p            Policy
	s            *transport.SessionConfig
	h            transport.Handler
	socket, http transport.Transport
	cookies      []string // that the session had when it began; nil: it does not matter

	mu      sync.Mutex // guards what is below; of other packages only what does not block is called under it
	choice  chooser
	timer   *time.Timer // nil: it is not set; an idle session need not keep one
	armed   mono.Time   // when it fires; zero: it does not
	untold  []Decision
	telling bool // somebody is at it, without the lock
}

func open(p Policy, s *transport.SessionConfig, h transport.Handler, way func() string, socket, http transport.Opener) *valve {
	v := &valve{p: p, s: s, h: h, choice: newChoice(p.Patience)}
	if p.Mode == Auto {
		v.choice, v.cookies = newRace(p.Memory, way, p.Patience), names(s)
	}
	v.socket, v.http = socket(s, side{v, onSocket}), http(s, side{v, onHTTP})
	return v
}

// Types are the socket's, then those of HTTP: a handshake offers them all,
// whichever pipe it goes by.
func (v *valve) Types() []string { return slices.Concat(v.socket.Types(), v.http.Types()) }

func (v *valve) Wake(lane transport.Lane) { v.turn(event{kind: woken, lane: lane}) }

func (v *valve) Drain(id transport.LegID) {
	v.turn(event{kind: dropped, leg: id})
	v.drain(id)
	v.http.Drain(id)
}

func (v *valve) Cut(id transport.LegID, cause error) {
	v.turn(event{kind: dropped, leg: id})
	v.cut(id, cause)
	v.http.Cut(id, cause)
}

// drain and cut are the socket pipe's. Until they are done the leg is the one
// that a Wake reaches, also one that another turn meant to dial by.
func (v *valve) drain(id transport.LegID) {
	v.socket.Drain(id)
	v.turn(event{kind: vacated})
}

func (v *valve) cut(id transport.LegID, cause error) {
	v.socket.Cut(id, cause)
	v.turn(event{kind: vacated})
}

func (v *valve) Check() {
	v.turn(event{kind: checks})
	v.socket.Check()
	v.http.Check()
}

func (v *valve) Close() error {
	v.turn(event{kind: closes})
	return errors.Join(v.socket.Close(), v.http.Close())
}

// turn takes one event and does what the choice decides.
func (v *valve) turn(e event) effects {
	e.now = mono.Of(time.Now())
	v.mu.Lock()
	if e.kind == late {
		v.armed = mono.Time{} // it has fired
	}
	fx := v.choice.step(e)
	v.arm()
	v.untold = append(v.untold, fx.told...)
	v.mu.Unlock()
	if fx.told != nil {
		v.tell()
	}
	if fx.cut != 0 {
		v.cut(fx.cut, fx.cause)
	}
	if fx.cutHTTP != 0 {
		v.http.Cut(fx.cutHTTP, fx.cause)
	}
	if fx.drain != 0 {
		v.drain(fx.drain)
	}
	for lane := range fx.wake[onSocket] {
		if fx.wake[onSocket][lane] {
			v.socket.Wake(transport.Lane(lane))
		}
		if fx.wake[onHTTP][lane] {
			v.http.Wake(transport.Lane(lane))
		}
	}
	for _, c := range fx.let {
		if c.batch != nil {
			v.h.Receive(c.leg, c.batch)
			continue
		}
		v.h.End(c.leg, c.err)
		v.turn(event{kind: passed, leg: c.leg})
	}
	if fx.let != nil {
		v.turn(event{kind: let})
	}
	return fx
}

// tell tells the decisions in their order, whoever comes first.
func (v *valve) tell() {
	v.mu.Lock()
	defer v.mu.Unlock()
	for !v.telling && len(v.untold) > 0 {
		d := v.untold[0]
		v.untold, v.telling = v.untold[1:], true
		v.mu.Unlock()
		v.p.tell(v.s, d)
		v.mu.Lock()
		v.telling = false
	}
	if len(v.untold) == 0 {
		v.untold = nil // an idle session need not keep what was told
	}
}

// arm sets the one timer to the end of the choice's patience.
func (v *valve) arm() {
	at := v.choice.due()
	switch {
	case at.IsZero() && v.timer != nil:
		v.timer.Stop()
		v.timer = nil
	case at == v.armed:
	case v.timer == nil:
		v.timer = time.AfterFunc(mono.Until(at), v.late)
	default:
		v.timer.Reset(mono.Until(at))
	}
	v.armed = at
}

func (v *valve) late() { v.turn(event{kind: late}) }

// A side is the Handler that one of the pipes sees.
type side struct {
	v    *valve
	pipe pipe
}

// Next asks the Handler if the pipe may draw.
func (s side) Next(lane transport.Lane, leg transport.Leg) []bayeux.Message {
	fx := s.v.turn(event{kind: asks, pipe: s.pipe, leg: leg.ID, lane: lane})
	if !fx.pass {
		return fx.batch
	}
	if fx.hold != nil {
		leg.Hold = min(leg.Hold, *fx.hold)
	}
	batch := s.v.h.Next(lane, leg)
	s.v.turn(event{kind: drew, pipe: s.pipe, leg: leg.ID, batch: batch})
	return batch
}

// Receive hands up, unless nobody knows the leg.
func (s side) Receive(id transport.LegID, ms []bayeux.Message) {
	fx := s.v.turn(event{kind: brought, pipe: s.pipe, leg: id, batch: ms, affinity: s.v.bound(s.pipe, ms)})
	if fx.pass && fx.batch != nil {
		ms = fx.batch
	}
	if fx.pass {
		s.v.h.Receive(id, ms)
	}
	if fx.echo {
		s.v.turn(event{kind: handed, pipe: s.pipe, leg: id})
	}
}

// End hands up, unless nobody knows the leg. The valve does not draw from the
// other pipe before the Handler has taken it.
func (s side) End(id transport.LegID, err *transport.Error) {
	fx := s.v.turn(event{kind: ended, pipe: s.pipe, leg: id, err: err, shared: shared(s.v.s.Target())})
	if fx.pass {
		if err != nil && fx.elsewhere {
			e := *err
			e.RetryNow = true
			err = &e
		}
		s.v.h.End(id, err)
	}
	s.v.turn(event{kind: passed, pipe: s.pipe, leg: id})
}

// names are those of the session's cookies.
func names(s *transport.SessionConfig) []string {
	all := []string{"BAYEUX_BROWSER"} // CometD's own: a WebSocket needs none
	if s.Jar != nil {
		for _, c := range s.Jar.Cookies(s.Target().URL) {
			all = append(all, c.Name)
		}
	}
	return all
}

// bound reports whether a handshake by HTTP has set cookies that the session
// did not have: a load balancer's, which a WebSocket should carry.
func (v *valve) bound(p pipe, ms []bayeux.Message) bool {
	if v.cookies == nil || p != onHTTP || len(ms) == 0 || ms[0].Channel != bayeux.MetaHandshake {
		return false
	}
	for _, name := range names(v.s) {
		if !slices.Contains(v.cookies, name) {
			return true
		}
	}
	return false
}
