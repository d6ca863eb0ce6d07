package fallback

import (
	"errors"
	"time"

	"github.com/turold/turold/internal/mono"
	"github.com/turold/turold/transport"
)

// dial opens a socket, if there is none, HTTP does not fail, and it is this
// session's turn.
func (r *race) dial(fx *effects, now mono.Moment) {
	if r.sock != 0 || r.dialling || r.unwanted || r.at == over {
		return
	}
	if r.down {
		r.want = true
		return
	}
	key := r.way()
	no, ok := r.mem.begin(key, now.Wall)
	if !ok {
		if r.redial, r.queued = now.At(no.next), no.why == ""; !r.queued {
			r.stay(fx, now, no.why, errFailing, false)
		}
		return
	}
	r.key = key
	r.asked, r.dialling, r.queued, r.want, r.redial = true, true, false, false, mono.Time{}
	fx.wake[onSocket][transport.LaneConnect] = true
}

// release gives back the leave to open one.
func (r *race) release() {
	if r.asked {
		r.asked = false
		r.mem.end(r.key)
	}
}

// leave ends a socket that carries nothing of the session's, and is about to
// get nothing.
func (r *race) leave(fx *effects, cause error) {
	if r.owns || r.drawing {
		return
	}
	if r.sock != 0 {
		fx.cut, fx.cause = r.sock, cause
		r.gone.Set(r.sock, true)
	}
	r.stale = r.dialling
	r.sock, r.proven, r.probe, r.again = 0, false, mono.Time{}, mono.Time{}
	r.release()
	if r.at == quieting || r.at == shut {
		r.open(fx, anchored)
	}
}

// socketAsks gives the probe to a socket that has just opened, the session's
// connect to one that is proven, and whatever there is to one that serves.
func (r *race) socketAsks(fx *effects, e event) {
	switch {
	case r.gone.Get(e.leg):
	case r.sock == 0 && r.stale:
		r.gone.Set(e.leg, true)
		fx.drain = e.leg
		r.dialling, r.stale = false, false
		r.release()
		if !r.unwanted {
			r.redial = e.now.Time
		}
	case r.at == upgraded && r.sock == 0 && r.born: // another, for a session that only sockets know
		r.opens(e)
		r.owns, r.until, r.since = true, mono.Time{}, e.now.Time
		r.release()
		fx.pass = true
	case e.leg == r.parted:
	case r.at == upgraded:
		if fx.pass = e.leg == r.sock; fx.pass && e.lane == transport.LaneConnect && (r.scout || !r.rotate.IsZero()) {
			hold := leastHold
			if !r.scout {
				hold = max(hold, r.rotate.Sub(e.now.Time)) // it ends when the socket is to be left
			}
			fx.hold = &hold
		}
	case r.at == bold:
		fx.pass = e.leg == r.sock
	case r.at == parting && e.leg == r.sock:
		if fx.pass = e.lane == transport.LaneCommands; !fx.pass {
			r.pending[e.lane] = true
		}
	case (r.at == clearing || r.at == offering) && e.leg == r.sock:
		r.pending[e.lane] = true
	case r.sock == 0 && !r.dialling: // nobody asked for it
		r.gone.Set(e.leg, true)
		fx.drain = e.leg
	case r.sock == 0:
		r.opens(e)
		if c := r.held; c != nil { // HTTP has failed: the handshake comes here
			r.held, fx.let = nil, append(fx.let, *c)
			c.err.RetryNow = true
			r.front(c.leg, e.now)
			return
		}
		if r.socketsOnly(0, e.now) {
			r.settle(fx, e.now)
			return
		}
		if r.jumps(fx, e.now) {
			return
		}
		r.hurry(fx, e.now)
		r.probe, r.again = e.now.Add(r.patience()), e.now.Add(r.patience()/2)
		fx.batch = r.test.leaves()
	case e.leg != r.sock:
		r.gone.Set(e.leg, true)
		fx.drain = e.leg
	case !r.proven && r.again.IsZero() && !r.probe.IsZero() && e.now.Before(r.probe): // once more
		r.again = r.probe
		fx.batch = r.test.leaves()
	case r.at == shut && r.settled(e.now) && e.lane == transport.LaneConnect:
		zero := time.Duration(0) // the answer is what proves that the session moved
		fx.pass, fx.hold = true, &zero
		r.pending[transport.LaneConnect] = false
	}
}

// opens takes a socket that has opened.
func (r *race) opens(e event) {
	r.sock, r.dialling, r.proven, r.opened = e.leg, false, false, e.now.Time
	r.owes, r.test, r.rotate, r.scout = ledger{}, probe{}, mono.Time{}, false
}

// socketDrew: the valve turns with the draw.
func (r *race) socketDrew(fx *effects, e event) {
	if e.leg != r.sock {
		return
	}
	r.drawing = false
	r.owes.leaves(e.batch)
	if r.at == bold && r.until.IsZero() && len(e.batch) > 0 {
		r.until = e.now.Add(r.patience())
	}
	r.parts(fx, e.now)
	if r.at != shut {
		return
	}
	if len(e.batch) == 0 && r.pending[transport.LaneConnect] && !r.until.IsZero() { // it has one by now
		fx.wake[onSocket][transport.LaneConnect] = true
		return
	}
	if len(e.batch) == 0 { // there is no connect to move with
		pending := r.pending
		r.at, r.until, r.pending = anchored, mono.Time{}, [2]bool{}
		fx.wake[onHTTP] = pending
		return
	}
	r.at, r.owns, r.until = adopting, true, e.now.Add(r.patience())
}

// socketBrought looks at what comes on the socket: the first answer is what
// decides.
func (r *race) socketBrought(fx *effects, e event) {
	if e.leg == r.parted {
		fx.pass, r.quietAt = true, e.now.Add(r.quiet())
		return
	}
	if e.leg != r.sock {
		return
	}
	rest, probed := r.test.answered(e.batch)
	if !r.owns {
		if !r.proven && probed {
			r.proven, r.probe, r.again = true, mono.Time{}, mono.Time{}
			r.release()
			if r.polling() && r.warm {
				r.at = quieting
			} else {
				fx.wake[onHTTP][transport.LaneConnect] = true // which finds it ripe
			}
		}
		return
	}
	if len(rest) == 0 { // a late answer to the probe, and nothing else
		return
	}
	if fx.pass = true; probed {
		fx.batch = rest
	}
	a := r.pays(fx, rest)
	switch {
	case r.at == bold:
		r.dared(fx, e.now, a)
	case r.at == adopting && a.connect == nil:
	case r.at == adopting && !a.connect.Granted():
		r.unknownThere(fx, e.now)
	case r.at == adopting:
		r.serves(fx, e.now)
		r.open(fx, upgraded)
	case r.born && r.carrier != transport.WebSocket && a.answered:
		r.proven = true
		r.serves(fx, e.now)
	}
}

// unknownThere: the server does not know the session on the socket, which keeps
// the Handler from hearing that it does not know it at all.
func (r *race) unknownThere(fx *effects, now mono.Moment) {
	fx.pass = false
	r.mem.failed(r.key, ReasonAffinity, now.Wall)
	r.cut(fx, errAffinity)
}

// serves: the session is on the socket.
func (r *race) serves(fx *effects, now mono.Moment) {
	reason := ReasonProven
	if r.reason != "" {
		reason = ReasonBack
	}
	r.since, r.reason, r.cause, r.stays = now.Time, "", nil, noSocket{}
	r.proven = true
	r.mem.proved(r.key, now.Wall)
	if life := r.mem.life(r.key, now.Wall); life > 0 && !r.born {
		r.rotate = r.opened.Add(worth(life))
	}
	r.tell(fx, now, transport.WebSocket, reason, nil)
}

// socketEnded decides after the end of a socket.
func (r *race) socketEnded(fx *effects, e event) {
	old := r.gone.Get(e.leg)
	r.gone.Delete(e.leg)
	switch {
	case e.leg == r.parted:
		fx.pass, fx.elsewhere = true, true
		r.parted, r.partBy = 0, mono.Time{}
		r.letGo(fx, e.now)
		if !r.redial.IsZero() {
			r.redial = e.now.Time
		}
		return
	case old || r.at == over:
		fx.pass = r.at == over && e.leg == r.sock && r.owns
		return
	case e.leg == r.sock && r.owns:
		r.lost(fx, e)
	case e.leg == r.sock, r.sock == 0 && r.dialling:
		r.failed(fx, e)
	}
}

// failed: it never carried the session.
func (r *race) failed(fx *effects, e event) {
	reason := reasonOf(e.err, e.shared)
	if e.err != nil && errors.Is(e.err.Err, errMute) {
		reason = ReasonMute
	}
	stale := r.stale
	r.sock, r.dialling, r.stale, r.proven, r.probe, r.again = 0, false, false, false, mono.Time{}, mono.Time{}
	r.release()
	if stale {
		if !r.unwanted {
			r.redial = e.now.Time
		}
		return
	}
	if r.at == upgraded { // it should have gone on with a session of sockets
		r.born = false
		r.open(fx, anchored)
	}
	if r.at == quieting || r.at == shut {
		r.open(fx, anchored)
	}
	if c := r.held; c != nil {
		r.held, fx.let = nil, append(fx.let, *c)
	}
	if !r.grace.IsZero() {
		r.grace = mono.Time{}
		r.wakePending(fx)
	}
	r.judge(fx, e.now, reason, e.err)
}

// judge finds out what a failure shows: of sockets something only while HTTP works.
func (r *race) judge(fx *effects, now mono.Moment, reason string, err *transport.Error) {
	switch {
	case reason == "", reason == ReasonMute && r.mem.provedSince(r.key, now.Clock(r.opened)): // others' were answered meanwhile: it was slow, not mute
		r.redial, r.want = now.Add(calm), false
	case now.Sub(r.answered) <= evidence && !r.down:
		r.redial, r.want = now.At(r.mem.failed(r.key, reason, now.Wall)), false
		r.stay(fx, now, reason, errOr(err), true)
	default:
		r.doubt, r.want = now.Time, true
		r.doubted, r.doubtErr = reason, err
		if r.at == anchored || r.at == quieting {
			r.control = true
			fx.wake[onHTTP][transport.LaneCommands] = true
		}
	}
}

// lost: it carried the session, which goes on by HTTP, if that knows it.
func (r *race) lost(fx *effects, e event) {
	fx.pass = true
	cause := errEnded
	if e.err != nil {
		cause = e.err.Err
	}
	served := (r.at == upgraded || r.at == parting || r.at == clearing || r.at == offering) && r.carrier == transport.WebSocket
	if r.at == bold {
		r.mem.doubt(r.key)
	}
	byHandler := e.err != nil && e.err.Op == "cut" && !errors.Is(cause, errAffinity) && !errors.Is(cause, errMute)
	r.sock, r.owns, r.proven, r.drawing, r.rotate, r.scout = 0, false, false, false, mono.Time{}, false
	switch {
	case r.born && byHandler: // it begins anew, wherever it can
		r.born, r.reason, r.cause = false, ReasonLost, cause
		r.turn(e.leg, anchored)
		return
	case r.born && served: // HTTP does not know it: another socket, for a while
		fx.elsewhere = true
		r.reason, r.cause = ReasonLost, cause
		r.turn(e.leg, upgraded)
		return
	case r.born: // it did not even shake hands
		r.born = false
		r.turn(e.leg, anchored)
		r.redial = e.now.Add(calm)
		return
	}
	fx.elsewhere = true
	r.turn(e.leg, anchored)
	switch {
	case errors.Is(cause, errAffinity):
		r.redial = e.now.Add(barred)
		r.stay(fx, e.now, ReasonAffinity, errAffinity, true)
	case errors.Is(cause, errMute):
		r.reason, r.cause = ReasonMute, errMute
		r.judge(fx, e.now, ReasonMute, e.err)
	case byHandler: // it knows what comes next
		r.reason, r.cause, r.want = ReasonLost, cause, true
	default:
		r.reason, r.cause = ReasonLost, cause
		if r.lives++; !served || e.now.Sub(r.since) >= shortLife {
			r.lives = 0
		}
		if r.lives >= shortLives { // unless HTTP dies too
			r.lives = 0
			r.doubt, r.want = e.now.Time, true
			r.doubted, r.doubtErr = ReasonLost, e.err
		} else {
			r.want = true // once HTTP has answered: until then it may be the network
		}
	}
}

// errOr is an error interface that is not nil.
func errOr(err *transport.Error) error {
	if err == nil {
		return errEnded
	}
	return err
}
