package fallback

import (
	"time"

	"github.com/turold/turold/internal/mono"
)

// Where a socket was proven within the last ten minutes the next one need not
// be: the session goes there from its handshake on, a round trip earlier. A
// socket that does not answer then costs the wait for it, and HTTP goes on.

// mostGrace is how long HTTP waits at most for a socket that may be about to open.
const mostGrace = 50 * time.Millisecond

// dares decides what follows a handshake that HTTP has brought.
func (r *race) dares(e event) {
	if r.at == turning && r.born { // it was to begin on the socket, and has begun by HTTP
		r.born, r.next = false, bold
		return
	}
	if r.at != anchored || r.unwanted || r.stale || r.owns || !r.mem.good(r.key, e.now.Wall) {
		return
	}
	switch {
	case r.sock != 0:
		r.owns, r.probe, r.again = true, mono.Time{}, mono.Time{}
		r.release()
		r.turn(e.leg, bold)
	case r.dialling:
		r.grace = e.now.Add(min(r.srtt/4, mostGrace))
	}
}

// jumps has a socket that opens in time draw as soon as the handshake has ended.
func (r *race) jumps(fx *effects, now mono.Moment) bool {
	if r.grace.IsZero() || r.at != anchored {
		return false
	}
	r.grace, r.owns = mono.Time{}, true
	r.release()
	r.turn(0, bold)
	r.settle(fx, now)
	return true
}

// dared looks at what is answered first on such a socket.
func (r *race) dared(fx *effects, now mono.Moment, a account) {
	switch {
	case a.forgotten:
		r.unknownThere(fx, now)
	case a.answered:
		r.serves(fx, now)
		r.open(fx, upgraded)
	}
}
