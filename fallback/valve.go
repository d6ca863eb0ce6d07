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

// A valve is the Transport over two pipes: it gives what happens to the machine, one
// event at a time, and does what the machine decides when it has released the lock.
type valve struct {
	p            Policy
	s            *transport.SessionConfig
	h            transport.Handler
	socket, http transport.Transport
	firstCookies []string // names of the cookies that the session had when it began; nil: the mode does not ask

	mu          sync.Mutex // guards what is below; of other packages only what does not block is called under it
	machine     machine
	timer       *time.Timer // nil: it is not set; an idle session need not keep one
	timerAt     mono.Time   // when it fires; zero: it does not
	undelivered []Decision
	delivering  bool // a goroutine delivers them, without the lock
}

func newValve(p Policy, s *transport.SessionConfig, h transport.Handler, pathKey func() string, socket, http transport.Opener) *valve {
	v := &valve{p: p, s: s, h: h, machine: newWSFirst(p.Patience)}
	if p.Mode == Auto {
		v.machine, v.firstCookies = newAuto(p.Memory, pathKey, p.Patience), cookieNames(s)
	}
	v.socket, v.http = socket(s, side{v, socketPipe}), http(s, side{v, httpPipe})
	return v
}

// Types are the socket's, then those of HTTP: a handshake offers them all,
// whichever pipe it goes by.
func (v *valve) Types() []string { return slices.Concat(v.socket.Types(), v.http.Types()) }

func (v *valve) Wake(lane transport.Lane) { v.turn(event{kind: eventWake, lane: lane}) }

func (v *valve) Drain(id transport.LegID) {
	v.turn(event{kind: eventDropped, leg: id})
	v.drain(id)
	v.http.Drain(id)
}

func (v *valve) Cut(id transport.LegID, cause error) {
	v.turn(event{kind: eventDropped, leg: id})
	v.cut(id, cause)
	v.http.Cut(id, cause)
}

// drain and cut are the socket pipe's. Until they are done the leg is the one
// that a Wake reaches, also one that another turn meant to dial by.
func (v *valve) drain(id transport.LegID) {
	v.socket.Drain(id)
	v.turn(event{kind: eventVacated})
}

func (v *valve) cut(id transport.LegID, cause error) {
	v.socket.Cut(id, cause)
	v.turn(event{kind: eventVacated})
}

func (v *valve) Check() {
	v.turn(event{kind: eventCheck})
	v.socket.Check()
	v.http.Check()
}

func (v *valve) Close() error {
	v.turn(event{kind: eventClose})
	return errors.Join(v.socket.Close(), v.http.Close())
}

// turn takes one event and does what the machine decides.
func (v *valve) turn(e event) effects {
	e.now = mono.Of(time.Now())
	v.mu.Lock()
	if e.kind == eventTimer {
		v.timerAt = mono.Time{} // it has fired
	}
	fx := v.machine.step(e)
	v.setTimer()
	v.undelivered = append(v.undelivered, fx.decisions...)
	v.mu.Unlock()
	if fx.decisions != nil {
		v.deliverDecisions()
	}
	if fx.cutSocket != 0 {
		v.cut(fx.cutSocket, fx.cause)
	}
	if fx.cutHTTP != 0 {
		v.http.Cut(fx.cutHTTP, fx.cause)
	}
	if fx.drainSocket != 0 {
		v.drain(fx.drainSocket)
	}
	for lane := range fx.wake[socketPipe] {
		if fx.wake[socketPipe][lane] {
			v.socket.Wake(transport.Lane(lane))
		}
		if fx.wake[httpPipe][lane] {
			v.http.Wake(transport.Lane(lane))
		}
	}
	for _, c := range fx.flush {
		if c.batch != nil {
			v.h.Receive(c.leg, c.batch)
			continue
		}
		v.h.End(c.leg, c.err)
		v.turn(event{kind: eventEndDelivered, leg: c.leg})
	}
	if fx.flush != nil {
		v.turn(event{kind: eventFlushed})
	}
	return fx
}

// deliverDecisions announces the decisions in their order, on the first goroutine that
// comes; others leave theirs to it.
func (v *valve) deliverDecisions() {
	v.mu.Lock()
	defer v.mu.Unlock()
	for !v.delivering && len(v.undelivered) > 0 {
		d := v.undelivered[0]
		v.undelivered, v.delivering = v.undelivered[1:], true
		v.mu.Unlock()
		v.p.announce(v.s, d)
		v.mu.Lock()
		v.delivering = false
	}
	if len(v.undelivered) == 0 {
		v.undelivered = nil // an idle session need not keep what was announced
	}
}

// setTimer sets the one timer to when the machine wants an eventTimer.
func (v *valve) setTimer() {
	at := v.machine.timerAt()
	switch {
	case at.IsZero() && v.timer != nil:
		v.timer.Stop()
		v.timer = nil
	case at == v.timerAt:
	case v.timer == nil:
		v.timer = time.AfterFunc(mono.Until(at), v.onTimer)
	default:
		v.timer.Reset(mono.Until(at))
	}
	v.timerAt = at
}

func (v *valve) onTimer() { v.turn(event{kind: eventTimer}) }

// A side is the Handler that one of the pipes sees.
type side struct {
	v    *valve
	pipe pipe
}

// Next asks the Handler if the pipe may draw.
func (s side) Next(lane transport.Lane, leg transport.Leg) []bayeux.Message {
	fx := s.v.turn(event{kind: eventAsk, pipe: s.pipe, leg: leg.ID, transport: leg.Type, lane: lane})
	if !fx.pass {
		return fx.batch
	}
	if fx.hold != nil {
		leg.Hold = min(leg.Hold, *fx.hold)
	}
	batch := s.v.h.Next(lane, leg)
	s.v.turn(event{kind: eventDrawn, pipe: s.pipe, leg: leg.ID, batch: batch})
	return batch
}

// Receive hands up, unless the Handler does not know the leg.
func (s side) Receive(id transport.LegID, ms []bayeux.Message) {
	fx := s.v.turn(event{kind: eventReceive, pipe: s.pipe, leg: id, batch: ms, newCookie: s.v.setsNewCookie(s.pipe, ms)})
	if fx.pass && fx.batch != nil {
		ms = fx.batch
	}
	if fx.pass {
		s.v.h.Receive(id, ms)
	}
	if fx.confirm {
		s.v.turn(event{kind: eventReceiveDelivered, pipe: s.pipe, leg: id})
	}
}

// End hands up, unless the Handler does not know the leg. The valve does not draw from the
// other pipe before the Handler has taken it.
func (s side) End(id transport.LegID, err *transport.Error) {
	fx := s.v.turn(event{kind: eventEnd, pipe: s.pipe, leg: id, err: err, sameHost: sameHost(s.v.s.Target())})
	if fx.pass {
		if err != nil && fx.retryNow {
			e := *err
			e.RetryNow = true
			err = &e
		}
		s.v.h.End(id, err)
	}
	s.v.turn(event{kind: eventEndDelivered, pipe: s.pipe, leg: id})
}

// cookieNames are those of the session's cookies.
func cookieNames(s *transport.SessionConfig) []string {
	all := []string{"BAYEUX_BROWSER"} // CometD's own: a WebSocket needs none
	if s.Jar != nil {
		for _, c := range s.Jar.Cookies(s.Target().URL) {
			all = append(all, c.Name)
		}
	}
	return all
}

// setsNewCookie reports whether a handshake by HTTP has set cookies that the session
// did not have: a load balancer's, which a WebSocket should carry.
func (v *valve) setsNewCookie(p pipe, ms []bayeux.Message) bool {
	if v.firstCookies == nil || p != httpPipe || len(ms) == 0 || ms[0].Channel != bayeux.MetaHandshake {
		return false
	}
	for _, name := range cookieNames(v.s) {
		if !slices.Contains(v.firstCookies, name) {
			return true
		}
	}
	return false
}
