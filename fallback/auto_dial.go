package fallback

import (
	"github.com/turold/turold/internal/mono"
	"github.com/turold/turold/transport"
)

// dial opens a socket, if there is none, HTTP does not fail, and it is this
// session's turn.
func (a *auto) dial(fx *effects, now mono.Moment) {
	if a.ws.stage != stageNone || a.next.notOffered || a.phase == autoClosed {
		return
	}
	if a.http.stage == stageFailed {
		a.next.afterAnswer = true
		return
	}
	key := a.pathKey()
	no, ok := a.mem.reserve(key, now.Wall)
	if !ok {
		if a.next.at, a.next.queued = now.At(no.next), no.why == ""; !a.next.queued {
			a.announceStaying(fx, now, no.why, errSocketsFail, false)
		}
		return
	}
	a.ws.pathKey, a.ws.reserved, a.ws.stage = key, true, stageDialing
	a.next.queued = false
	a.next.reset()
	fx.wake[socketPipe][transport.LaneConnect] = true
}

// releaseDial tells the Memory that the dial is over, or its socket proven.
func (a *auto) releaseDial() {
	if a.ws.reserved {
		a.ws.reserved = false
		a.mem.release(a.ws.pathKey)
	}
}

// discardSocket ends a socket that carries nothing of the session's, and is about
// to get nothing.
func (a *auto) discardSocket(fx *effects, cause error) {
	if a.ws.stage.carries() || a.ws.drawing {
		return
	}
	if a.ws.stage.isOpen() {
		fx.cutSocket, fx.cause = a.ws.leg, cause
		a.ws.discarded.Set(a.ws.leg, true)
	}
	a.ws.discard()
	a.releaseDial()
	a.stayOnHTTP(fx)
}

// passHeldEnd passes on the End of a handshake that no socket came for.
func (a *auto) passHeldEnd(fx *effects) {
	if c := a.handshake.heldEnd; c != nil {
		a.handshake.heldEnd, fx.flush = nil, append(fx.flush, *c)
	}
}

// stayOnHTTP has HTTP draw again, where it had to make room for the socket.
func (a *auto) stayOnHTTP(fx *effects) {
	if a.phase == finishingPoll || a.phase == awaitingExchanges {
		a.drawFrom(fx, onLongPolling)
	}
}

// redialUnwanted opens the next socket when a dial that was given up is over. The
// Handler gets the End that waited for the outcome: HTTP may fail, and then no other
// dial follows.
func (a *auto) redialUnwanted(fx *effects, now mono.Moment) {
	a.passHeldEnd(fx)
	if !a.next.notOffered {
		a.next.at = now.Time
	}
}
