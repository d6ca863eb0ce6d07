package fallback

import (
	"crypto/rand"
	"errors"
	"time"

	"github.com/turold/turold/bayeux"
	"github.com/turold/turold/internal/mono"
	"github.com/turold/turold/transport"
)

// http200 is the status of an answer, which a body too large to be read had.
const http200 = 200

// httpAsks says whether an exchange may draw.
func (r *race) httpAsks(fx *effects, e event) {
	connect := e.lane == transport.LaneConnect
	if connect && r.at == anchored && r.ripe() {
		r.shut(fx, e.now)
	}
	if !connect && (r.control && (r.at == anchored || r.at == quieting) || r.scout && r.at == upgraded) {
		r.control = false
		fx.batch = probing(rand.Text())
		r.out.Set(e.leg, &trip{lane: e.lane, sent: e.now.Time, prompt: true, own: true})
		return
	}
	switch {
	case r.at == anchored && r.grace.IsZero() && !(connect && r.holdsBack()), r.at == quieting && !connect:
	case r.at == offering && connect:
		least := leastHold
		fx.pass, fx.hold = true, &least
		r.pending[e.lane] = false
		r.out.Set(e.leg, &trip{lane: e.lane})
		return
	default:
		r.pending[e.lane] = true
		return
	}
	fx.pass = true
	r.out.Set(e.leg, &trip{lane: e.lane})
	if hold := r.shortly(e.now); hold > 0 {
		fx.hold = new(hold) // of its own: most exchanges have none
	}
}

// shortly is how long a poll may be held at most while a socket is about to take
// over, which waits for the poll to end; 0: none is.
func (r *race) shortly(now mono.Moment) time.Duration {
	switch {
	case r.unwanted:
		return 0
	case r.dialling || r.sock != 0:
		return min(max(2*r.srtt, leastHold), mostHold)
	case r.queued && !r.redial.IsZero():
		return max(r.redial.Sub(now.Time), leastHold)
	}
	return 0
}

// httpDrew takes down what an exchange carries.
func (r *race) httpDrew(fx *effects, e event) {
	t := r.out.Get(e.leg)
	if len(e.batch) == 0 {
		r.out.Delete(e.leg)
		r.settle(fx, e.now)
		return
	}
	if t == nil {
		return
	}
	t.sent, t.prompt = e.now.Time, prompt(e.batch)
	t.owes.leaves(e.batch)
	t.connect = connects(e.batch)
	if r.at == offering {
		r.leaves(fx, e.now)
	}
	r.skip = r.skip && !t.connect
	if !shakes(e.batch) {
		return
	}
	// A new session, for which what stands open is too old: the first dial
	// goes along with the first handshake.
	if r.carrier != "" {
		r.leave(fx, errStanding)
	}
	r.shaking, r.shakeBy, r.warm = e.leg, e.now.Add(r.longest), false
	r.born = r.born && r.at == turning // it was drawn while the session turned to a socket: who answers it decides
	r.late = r.shakeBy
	if r.redial.IsZero() && r.doubt.IsZero() || r.down {
		r.down = false
		r.dial(fx, e.now)
	}
}

// httpBrought looks at an answer: HTTP works.
func (r *race) httpBrought(fx *effects, e event) {
	t := r.out.Get(e.leg)
	fx.pass = t == nil || !t.own
	if t != nil && t.connect && !t.prompt {
		r.warm = true
	}
	if t != nil && t.prompt && !t.sent.IsZero() {
		r.sample(e.now.Sub(t.sent))
		t.prompt = false
	}
	r.works(fx, e.now)
	if !fx.pass {
		return
	}
	r.tell(fx, e.now, transport.LongPolling, r.reason, r.cause)
	var a account
	if t != nil {
		a = t.owes.arrives(e.batch)
	}
	if websocket, said := offered(a.shake); said {
		if r.unwanted = !websocket; r.unwanted {
			r.leave(fx, errUnwanted)
			r.redial, r.want = mono.Time{}, false
			r.stay(fx, e.now, ReasonUnoffered, errUnwanted, false)
		}
	}
	r.estranged(e, a)
	switch {
	case e.affinity && !r.owns && (r.sock != 0 || r.dialling): // a balancer's cookie, that the upgrade went without
		r.leave(fx, errStanding)
		r.redial = e.now.Time
	case a.shake != nil && a.shake.Granted():
		r.dares(e)
	}
	if r.keeps(e.now) {
		fx.pass = false
		r.kept = append(r.kept, closing{leg: e.leg, batch: e.batch})
	}
}

// estranged finds out that HTTP cannot keep a session: time and again one that
// was granted is not known to its first connect. Something on the way takes the
// cookie off, which a session that begins on a socket does not need.
func (r *race) estranged(e event, a account) {
	switch {
	case a.shake != nil && a.shake.Granted():
		r.fresh = true
	case a.connect == nil:
	case a.connect.Granted():
		r.fresh, r.strange = false, 0
	case r.fresh && forgotten(a.connect):
		r.fresh = false
		r.strange++
		r.socketsOnly(e.leg, e.now)
	}
}

// socketsOnly begins on a socket, if HTTP cannot keep a session and one is open.
func (r *race) socketsOnly(left transport.LegID, now mono.Moment) bool {
	if r.strange < maxStrange || r.sock == 0 || r.owns || r.at != anchored && r.at != quieting {
		return false
	}
	r.front(left, now)
	return true
}

func (r *race) sample(d time.Duration) {
	if r.srtt == 0 {
		r.srtt = d
	} else {
		r.srtt += (d - r.srtt) / 8
	}
}

// works is told that HTTP has answered: what is in doubt is decided.
func (r *race) works(fx *effects, now mono.Moment) {
	r.answered, r.down = now.Time, false
	if at := r.doubt; !at.IsZero() {
		r.doubt, r.control = mono.Time{}, false
		if now.Sub(at) <= evidence {
			r.redial, r.want = now.At(r.mem.failed(r.key, r.doubted, now.Wall)), false
			r.stay(fx, now, r.doubted, errOr(r.doubtErr), true)
		}
	}
	if r.want {
		r.want = false
		r.dial(fx, now)
	}
}

// httpEnded decides after an exchange.
func (r *race) httpEnded(fx *effects, e event) {
	t := r.out.Get(e.leg)
	fx.pass = t == nil || !t.own
	switch {
	case e.err != nil && e.err.Status == http200 && errors.Is(e.err, bayeux.ErrTooLarge): // it works, and a socket may bring in pieces what it brings at once
		r.works(fx, e.now)
	case e.err != nil && !e.err.StaleConn:
		r.down = true
	}
	if r.scout && !fx.pass {
		r.scouted(fx, e)
	}
	if fx.pass && r.keeps(e.now) {
		fx.pass = false
		r.kept = append(r.kept, closing{leg: e.leg, err: e.err})
		return
	}
	if r.shaking != e.leg {
		return
	}
	r.shaking, r.late = 0, mono.Time{}
	byHandler := e.err != nil && e.err.Op == "cut" && !errors.Is(e.err.Err, errShake) // it knows what comes next
	if e.err == nil || byHandler || r.at != anchored {
		return
	}
	switch {
	case r.sock != 0 && !r.owns: // the handshake goes there
		fx.elsewhere = true
		r.front(e.leg, e.now)
	case r.dialling && !r.stale: // it may come to something
		fx.pass = false
		r.held = &closing{leg: e.leg, err: e.err}
	}
}

// front has the socket draw next, whether it was proven or not: the handshake
// will prove it.
func (r *race) front(left transport.LegID, now mono.Moment) {
	r.turn(left, upgraded)
	r.born, r.owns, r.since = true, true, now.Time
	r.probe, r.again = mono.Time{}, mono.Time{}
	r.release()
}
