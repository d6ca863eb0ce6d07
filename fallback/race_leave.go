package fallback

import (
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/turold/turold/bayeux"
	"github.com/turold/turold/internal/mono"
	"github.com/turold/turold/transport"
)

// A socket that works is left before something on the way cuts it for its age.
// Its connect ends and is not asked for again; what it owes comes; then HTTP
// asks for the connect with a short hold, not none: on CometD only a connect
// that is held takes the pushes off a socket. The socket is read on for a
// while, and what HTTP brings meanwhile waits, so that what was sent first is
// handed up first.

const (
	readOn     = 300 * time.Millisecond // how long, before the closing handshake
	leastQuiet = 50 * time.Millisecond  // of the socket, after which nothing more is expected of it
)

// worth is how much of a lifetime is used: not all sessions move at once.
func worth(life time.Duration) time.Duration {
	return time.Duration(float64(life) * (leaveAt - 0.1*rand.Float64()))
}

// depart asks whether HTTP works, before a socket is left that does. One that was
// left before has to end first: the Handler is to hear of that.
func (r *race) depart(fx *effects, now mono.Moment) {
	switch {
	case r.at != upgraded || r.sock == 0 || r.born:
	case r.parted != 0:
		r.rotate = now.Add(readOn)
	default:
		r.scout = true
		fx.wake[onHTTP][transport.LaneCommands] = true
	}
}

// scouted is told of the end of an exchange of our own.
func (r *race) scouted(fx *effects, e event) {
	r.scout = false
	if r.at != upgraded {
		return
	}
	if e.err != nil { // the socket is all there is
		r.rotate = e.now.Add(calm)
		return
	}
	r.at = parting
	r.parts(fx, e.now)
}

// parts goes on when the connect has ended, and none is being drawn, and then
// when nothing is owed.
func (r *race) parts(fx *effects, now mono.Moment) {
	if r.at == parting && r.owes.connect.ID == "" && !r.drawing {
		r.at, r.until = clearing, now.Add(r.patience())
	}
	if r.at == clearing && r.owes.owed() == 0 {
		r.offer(fx)
	}
}

// pays takes down replies. What follows from the last of them waits until the
// Handler has it.
func (r *race) pays(fx *effects, ms []bayeux.Message) account {
	a := r.owes.arrives(ms)
	fx.echo = (a.answered || a.spoilt) && (r.at == parting && r.owes.connect.ID == "" || r.at == clearing && r.owes.owed() == 0)
	return a
}

// offer has HTTP ask for the connect.
func (r *race) offer(fx *effects) {
	r.at, r.until = offering, mono.Time{}
	fx.wake[onHTTP][transport.LaneConnect] = true
}

// leaves: HTTP has the connect, and with it the session.
func (r *race) leaves(fx *effects, now mono.Moment) {
	r.parted, r.partBy, r.quietAt = r.sock, now.Add(readOn), now.Add(r.quiet())
	r.sock, r.owns, r.proven = 0, false, false
	r.reason = ReasonLifetime
	r.cause = fmt.Errorf("fallback: WebSockets are cut at the age of %v on this way", r.mem.life(r.key, now.Wall).Round(time.Second))
	r.redial = r.partBy
	r.open(fx, anchored)
}

// quiet is how long a socket that was left says nothing when it has said all.
func (r *race) quiet() time.Duration { return min(max(r.srtt, leastQuiet), readOn) }

// keeps reports whether what HTTP brings has to wait: for what a socket may
// still bring, or for what came before it.
func (r *race) keeps(now mono.Moment) bool {
	return r.holdsBack() || r.parted != 0 && now.Before(r.quietAt)
}

// holdsBack reports whether something waits. No poll is begun then: the Handler
// has yet to hear of the last one.
func (r *race) holdsBack() bool { return r.letting || len(r.kept) > 0 }

// letGo hands up what waited, unless somebody is at it, and goes on if nothing did.
func (r *race) letGo(fx *effects, now mono.Moment) {
	r.quietAt = mono.Time{}
	if !r.letting && len(r.kept) > 0 {
		fx.let, r.kept, r.letting = append(fx.let, r.kept...), nil, true
	}
	r.settle(fx, now)
}

// lets goes on when that is done.
func (r *race) lets(fx *effects, now mono.Moment) {
	r.letting = false
	if r.quietAt.IsZero() {
		r.letGo(fx, now)
	}
	if r.at == anchored && !r.holdsBack() {
		r.wakePending(fx)
	}
}

// farewell closes the socket that was left.
func (r *race) farewell(fx *effects, now mono.Moment) {
	r.letGo(fx, now)
	if r.parted != 0 {
		fx.drain = r.parted
	}
	if r.redial.IsZero() || r.redial.After(now.Time) {
		r.redial = now.Time
	}
}
