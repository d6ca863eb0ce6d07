package fallback

import (
	"crypto/rand"
	"errors"
	"time"

	"github.com/turold/turold/bayeux"
	"github.com/turold/turold/internal/mono"
	"github.com/turold/turold/transport"
)

// statusOK is the status of an answer, which a body too large to be read had.
const statusOK = 200

// onHTTPAsk says whether an exchange may draw.
func (a *auto) onHTTPAsk(fx *effects, e event) {
	connect := e.lane == transport.LaneConnect
	if connect && a.phase == onLongPolling && a.readyToMove() {
		a.awaitExchanges(fx, e.now)
	}
	if !connect && (a.doubt.checkHTTP && (a.phase == onLongPolling || a.phase == finishingPoll) || a.rotation.checkHTTP && a.phase == onWebSocket) {
		a.doubt.checkHTTP = false
		fx.batch = probeMessage(rand.Text())
		a.http.exchanges.Set(e.leg, &exchange{lane: e.lane, sentAt: e.now.Time, answeredAtOnce: true, own: true})
		return
	}
	switch {
	case a.phase == onLongPolling && a.handshake.graceUntil.IsZero() && !(connect && a.hasDeferred()), a.phase == finishingPoll && !connect:
	case a.phase == offeringConnect && connect:
		least := minHold
		fx.pass, fx.hold = true, &least
		a.pending[e.lane] = false
		a.http.exchanges.Set(e.leg, &exchange{lane: e.lane})
		return
	default:
		a.pending[e.lane] = true
		return
	}
	fx.pass = true
	a.http.exchanges.Set(e.leg, &exchange{lane: e.lane})
	if hold := a.holdLimit(e.now); hold > 0 {
		fx.hold = new(hold) // of its own: most exchanges have none
	}
}

// holdLimit is how long a poll may be held at most while a socket is about to take
// over, which waits for the poll to end; 0: none is.
func (a *auto) holdLimit(now mono.Moment) time.Duration {
	switch {
	case a.next.notOffered:
		return 0
	case a.ws.dialling || a.ws.leg != 0:
		return min(max(2*a.http.srtt, minHold), maxHold)
	case a.next.queued && !a.next.at.IsZero():
		return max(a.next.at.Sub(now.Time), minHold)
	}
	return 0
}

// onHTTPDrawn takes down what an exchange carries.
func (a *auto) onHTTPDrawn(fx *effects, e event) {
	t := a.http.exchanges.Get(e.leg)
	if len(e.batch) == 0 {
		a.http.exchanges.Delete(e.leg)
		a.advance(fx, e.now)
		return
	}
	if t == nil {
		return
	}
	t.sentAt, t.answeredAtOnce = e.now.Time, answeredAtOnce(e.batch)
	t.requests.add(e.batch)
	t.hasConnect = hasConnect(e.batch)
	if a.phase == offeringConnect {
		a.finishRotation(fx, e.now)
	}
	a.http.keepNextPoll = a.http.keepNextPoll && !t.hasConnect
	if !hasHandshake(e.batch) {
		return
	}
	// A new session, for which what stands open is too old: the first dial
	// goes along with the first handshake.
	if a.told.transport != "" {
		a.discardSocket(fx, errOutdated)
	}
	a.handshake.leg, a.handshake.limitAt, a.http.heldPollSeen = e.leg, e.now.Add(a.handshakeLimit), false
	a.ws.bound = a.ws.bound && a.phase == switching // it was drawn while the session turned to a socket: who answers it decides
	a.handshake.lateAt = a.handshake.limitAt
	if a.next.at.IsZero() && a.doubt.since.IsZero() || a.http.down {
		a.http.down = false
		a.dial(fx, e.now)
	}
}

// onHTTPReceive looks at an answer: HTTP works.
func (a *auto) onHTTPReceive(fx *effects, e event) {
	t := a.http.exchanges.Get(e.leg)
	fx.pass = t == nil || !t.own
	if t != nil && t.hasConnect && !t.answeredAtOnce {
		a.http.heldPollSeen = true
	}
	if t != nil && t.answeredAtOnce && !t.sentAt.IsZero() {
		a.measureRoundTrip(e.now.Sub(t.sentAt))
		t.answeredAtOnce = false
	}
	a.onHTTPWorks(fx, e.now)
	if !fx.pass {
		return
	}
	a.announce(fx, e.now, transport.LongPolling, a.told.leftFor, a.told.leftErr)
	var got replies
	if t != nil {
		got = t.requests.match(e.batch)
	}
	if websocket, said := offersWebSocket(got.handshake); said {
		if a.next.notOffered = !websocket; a.next.notOffered {
			a.discardSocket(fx, errNotOffered)
			a.next.at, a.next.afterAnswer = mono.Time{}, false
			a.announceStaying(fx, e.now, ReasonUnoffered, errNotOffered, false)
		}
	}
	a.detectLostSession(e, got)
	switch {
	case e.newCookie && !a.ws.owns && (a.ws.leg != 0 || a.ws.dialling): // a balancer's cookie, that the upgrade went without
		a.discardSocket(fx, errOutdated)
		a.next.at = e.now.Time
	case got.handshake != nil && got.handshake.Granted():
		a.tryOptimistic(e)
	}
	if a.mustDefer(e.now) {
		fx.pass = false
		a.deferred.calls = append(a.deferred.calls, deferredCall{leg: e.leg, batch: e.batch})
	}
}

// detectLostSession finds out that HTTP cannot keep a session: time and again one that
// was granted is not known to its first connect. Something on the way takes the
// cookie off, which a session that begins on a socket does not need.
func (a *auto) detectLostSession(e event, got replies) {
	switch {
	case got.handshake != nil && got.handshake.Granted():
		a.handshake.unconfirmed = true
	case got.connect == nil:
	case got.connect.Granted():
		a.handshake.unconfirmed, a.handshake.lostSessions = false, 0
	case a.handshake.unconfirmed && needsHandshake(got.connect):
		a.handshake.unconfirmed = false
		a.handshake.lostSessions++
		a.escapeLostSessions(e.leg, e.now)
	}
}

// escapeLostSessions begins on a socket, if HTTP cannot keep a session and one is open.
func (a *auto) escapeLostSessions(left transport.LegID, now mono.Moment) bool {
	if a.handshake.lostSessions < maxLostSessions || a.ws.leg == 0 || a.ws.owns || a.phase != onLongPolling && a.phase != finishingPoll {
		return false
	}
	a.startOnSocket(left, now)
	return true
}

func (a *auto) measureRoundTrip(d time.Duration) {
	if a.http.srtt == 0 {
		a.http.srtt = d
	} else {
		a.http.srtt += (d - a.http.srtt) / 8
	}
}

// onHTTPWorks is told that HTTP has answered: what is in doubt is decided.
func (a *auto) onHTTPWorks(fx *effects, now mono.Moment) {
	a.http.answeredAt, a.http.down = now.Time, false
	if at := a.doubt.since; !at.IsZero() {
		a.doubt.since, a.doubt.checkHTTP = mono.Time{}, false
		if now.Sub(at) <= evidenceWindow {
			a.next.at, a.next.afterAnswer = now.At(a.mem.recordFailed(a.ws.pathKey, a.doubt.reason, now.Wall)), false
			a.announceStaying(fx, now, a.doubt.reason, errOrEnded(a.doubt.err), true)
		}
	}
	if a.next.afterAnswer {
		a.next.afterAnswer = false
		a.dial(fx, now)
	}
}

// onHTTPEnd decides after an exchange.
func (a *auto) onHTTPEnd(fx *effects, e event) {
	t := a.http.exchanges.Get(e.leg)
	fx.pass = t == nil || !t.own
	switch {
	case e.err != nil && e.err.Status == statusOK && errors.Is(e.err, bayeux.ErrTooLarge): // it works, and a socket may bring in pieces what it brings at once
		a.onHTTPWorks(fx, e.now)
	case e.err != nil && !e.err.StaleConn:
		a.http.down = true
	}
	if a.rotation.checkHTTP && !fx.pass {
		a.onRotationCheck(fx, e)
	}
	if fx.pass && a.mustDefer(e.now) {
		fx.pass = false
		a.deferred.calls = append(a.deferred.calls, deferredCall{leg: e.leg, err: e.err})
		return
	}
	if a.handshake.leg != e.leg {
		return
	}
	a.handshake.leg, a.handshake.lateAt = 0, mono.Time{}
	byHandler := e.err != nil && e.err.Op == "cut" && !errors.Is(e.err.Err, errHandshakeLate) // it knows what comes next
	if e.err == nil || byHandler || a.phase != onLongPolling {
		return
	}
	switch {
	case a.ws.leg != 0 && !a.ws.owns: // the handshake goes there
		fx.retryNow = true
		a.startOnSocket(e.leg, e.now)
	case a.ws.dialling && !a.ws.stale: // it may come to something
		fx.pass = false
		a.handshake.heldEnd = &deferredCall{leg: e.leg, err: e.err}
	}
}

// startOnSocket has the socket draw next, whether it was proven or not: the handshake
// will prove it.
func (a *auto) startOnSocket(left transport.LegID, now mono.Moment) {
	a.switchTo(left, onWebSocket)
	a.ws.bound, a.ws.owns, a.ws.carriesSince = true, true, now.Time
	a.ws.probe.answerBy, a.ws.probe.againAt = mono.Time{}, mono.Time{}
	a.releaseDial()
}
