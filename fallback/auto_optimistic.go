package fallback

import (
	"time"

	"github.com/turold/turold/internal/mono"
)

// Where a socket was proven within the last ten minutes the next one need not
// be: the session goes there from its handshake on, a round trip earlier. A
// socket that does not answer then costs the wait for it, and HTTP goes on.

// maxDialGrace is how long HTTP waits at most for a socket that may be about to open.
const maxDialGrace = 50 * time.Millisecond

// tryOptimistic decides what follows a handshake that HTTP has brought.
func (a *auto) tryOptimistic(e event) {
	if a.phase == switching && a.ws.bound { // the session was to begin on the socket, and has begun by HTTP
		a.ws.bound, a.handover.to = false, optimistic
		return
	}
	if a.phase != onLongPolling || a.next.notOffered || !a.mem.isGood(a.ws.pathKey, e.now.Wall) {
		return
	}
	switch {
	case a.ws.stage == stageOpen, a.ws.stage == stageProven:
		a.ws.take()
		a.releaseDial()
		a.switchTo(e.leg, optimistic)
	case a.ws.stage == stageDialing:
		a.handshake.graceUntil = e.now.Add(min(a.http.srtt/4, maxDialGrace))
	}
}

// startOptimistic has a socket that opens in time draw as soon as the handshake
// by HTTP has ended.
func (a *auto) startOptimistic(fx *effects, now mono.Moment) bool {
	if a.handshake.graceUntil.IsZero() || a.phase != onLongPolling {
		return false
	}
	a.handshake.graceUntil = mono.Time{}
	a.ws.take()
	a.releaseDial()
	a.switchTo(0, optimistic)
	a.advance(fx, now)
	return true
}

// onOptimisticReply looks at what such a socket is answered first.
func (a *auto) onOptimisticReply(fx *effects, now mono.Moment, got replies) {
	switch {
	case got.needsHandshake:
		a.onSessionUnknown(fx, now)
	case got.answered:
		a.onSocketCarries(fx, now)
		a.drawFrom(fx, onWebSocket)
	}
}
