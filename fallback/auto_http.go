package fallback

import (
	"crypto/rand"
	"errors"
	"time"

	"github.com/turold/turold/bayeux"
	"github.com/turold/turold/internal/mono"
	"github.com/turold/turold/transport"
)

// statusOK is the HTTP status of an answer whose body was too large to be read.
const statusOK = 200

// onHTTPAsk decides whether an exchange may draw.
func (a *auto) onHTTPAsk(fx *effects, e event) {
	a.http.transport = e.transport
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
	var hold time.Duration // 0: the pipe's
	switch {
	case a.phase == onLongPolling && a.handshake.graceUntil.IsZero() && !(connect && a.hasDeferred()), a.phase == finishingPoll && !connect:
		hold = a.holdLimit(e.now)
	case a.phase == offeringConnect && connect:
		hold = minHold
		a.pending[e.lane] = false
	default:
		a.pending[e.lane] = true
		return
	}
	fx.pass = true
	if a.http.exchanges.Set(e.leg, &exchange{lane: e.lane}); hold > 0 {
		fx.hold = new(hold) // of its own: most exchanges have none
	}
}

// holdLimit is how long a poll may be held while a socket is about to take over,
// which waits for the poll to end; 0: no socket is about to.
func (a *auto) holdLimit(now mono.Moment) time.Duration {
	switch {
	case a.next.notOffered:
		return 0
	case a.ws.stage != stageNone:
		return min(max(2*a.http.srtt, minHold), maxHold)
	case a.next.queued && !a.next.at.IsZero():
		return max(a.next.at.Sub(now.Time), minHold)
	}
	return 0
}

// onHTTPDrawn notes what an exchange carries.
func (a *auto) onHTTPDrawn(fx *effects, e event) {
	x := a.http.exchanges.Get(e.leg)
	if len(e.batch) == 0 {
		a.http.exchanges.Delete(e.leg)
		a.advance(fx, e.now)
		return
	}
	if x == nil {
		return
	}
	x.sentAt, x.answeredAtOnce, x.hasConnect = e.now.Time, answeredAtOnce(e.batch), hasConnect(e.batch)
	x.requests.add(e.batch)
	if a.phase == offeringConnect {
		a.finishRotation(fx, e.now)
	}
	a.http.keepNextPoll = a.http.keepNextPoll && !x.hasConnect
	if hasHandshake(e.batch) {
		a.onHandshakeSent(fx, e)
	}
}

// onHandshakeSent begins a new session, for which the socket that is open is too
// old: the first dial goes along with the first handshake.
func (a *auto) onHandshakeSent(fx *effects, e event) {
	if a.told.transport != "" {
		a.discardSocket(fx, errOutdated)
	}
	a.handshake.leg, a.handshake.limitAt, a.http.heldPollSeen = e.leg, e.now.Add(a.handshakeLimit), false
	a.handshake.lateAt = a.handshake.limitAt
	a.ws.bound = a.ws.bound && a.phase == switching // drawn while the session switched to a socket: the answer to it decides
	if failed := a.http.stage == stageFailed; failed || a.next.at.IsZero() && a.doubt.since.IsZero() {
		if failed {
			a.http.stage = stageNone
		}
		a.dial(fx, e.now)
	}
}

// onHTTPReceive looks at an answer: HTTP works.
func (a *auto) onHTTPReceive(fx *effects, e event) {
	x := a.http.exchanges.Get(e.leg)
	fx.pass = x == nil || !x.own
	if x != nil && x.hasConnect && !x.answeredAtOnce {
		a.http.heldPollSeen = true
	}
	if x != nil && x.answeredAtOnce && !x.sentAt.IsZero() {
		a.measureRoundTrip(e.now.Sub(x.sentAt))
		x.answeredAtOnce = false
	}
	a.onHTTPWorks(fx, e.now)
	if !fx.pass {
		return
	}
	a.announce(fx, e.now, httpPipe, a.told.leftFor, a.told.leftErr)
	var got replies
	if x != nil {
		got = x.requests.match(e.batch)
	}
	a.onOffer(fx, e.now, got.handshake)
	a.detectLostSession(e, got)
	switch {
	case e.newCookie && a.ws.stage != stageNone && !a.ws.stage.carries(): // a balancer's, which the upgrade went without
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

// onOffer takes what the reply to a handshake says of WebSockets; nil: none came.
func (a *auto) onOffer(fx *effects, now mono.Moment, reply *bayeux.Message) {
	websocket, said := offersWebSocket(reply)
	if !said {
		return
	}
	if a.next.notOffered = !websocket; websocket {
		return
	}
	a.discardSocket(fx, errNotOffered)
	a.next.reset()
	a.announceStaying(fx, now, ReasonUnoffered, errNotOffered, false)
}

// detectLostSession finds out that HTTP cannot keep a session: time and again one
// that was granted is not known to its first connect. Something on the path takes
// the cookie off, which a session that begins on a socket does not need.
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

// escapeLostSessions begins the next session on the socket, if HTTP cannot keep
// one and a socket is open.
func (a *auto) escapeLostSessions(left transport.LegID, now mono.Moment) bool {
	if a.handshake.lostSessions < maxLostSessions || !a.ws.stage.isSpare() || a.phase != onLongPolling && a.phase != finishingPoll {
		return false
	}
	a.startOnSocket(left, now)
	return true
}

// measureRoundTrip takes one into the mean.
func (a *auto) measureRoundTrip(d time.Duration) {
	if a.http.srtt == 0 {
		a.http.srtt = d
	} else {
		a.http.srtt += (d - a.http.srtt) / 8
	}
}

// onHTTPWorks decides a pending verdict, and makes the dial that waited for an
// answer of HTTP.
func (a *auto) onHTTPWorks(fx *effects, now mono.Moment) {
	a.http.answeredAt, a.http.stage = now.Time, stageProven
	if doubt := a.doubt; !doubt.since.IsZero() {
		a.doubt.reset()
		if now.Sub(doubt.since) <= evidenceWindow {
			a.next.set(now.At(a.mem.recordFailed(a.ws.pathKey, doubt.reason, now.Wall)))
			a.announceStaying(fx, now, doubt.reason, errOrEnded(doubt.err), true)
		}
	}
	if a.next.afterAnswer {
		a.next.afterAnswer = false
		a.dial(fx, now)
	}
}

// onHTTPEnd decides after an exchange.
func (a *auto) onHTTPEnd(fx *effects, e event) {
	x := a.http.exchanges.Get(e.leg)
	fx.pass = x == nil || !x.own
	switch {
	case e.err != nil && e.err.Status == statusOK && errors.Is(e.err, bayeux.ErrTooLarge): // HTTP works, and a socket may bring in pieces what it brings at once
		a.onHTTPWorks(fx, e.now)
	case e.err != nil && !e.err.StaleConn:
		a.http.stage = stageFailed
	}
	if a.rotation.checkHTTP && !fx.pass {
		a.onRotationCheck(fx, e)
	}
	if fx.pass && a.mustDefer(e.now) {
		fx.pass = false
		a.deferred.calls = append(a.deferred.calls, deferredCall{leg: e.leg, err: e.err})
		return
	}
	if a.handshake.leg == e.leg {
		a.handshake.ended()
		a.onHandshakeEnd(fx, e)
	}
}

// onHandshakeEnd has the socket carry the handshake that failed by HTTP. One that
// the Handler cut is not sent again: the Handler knows what comes next.
func (a *auto) onHandshakeEnd(fx *effects, e event) {
	byHandler := e.err != nil && e.err.Op == "cut" && !errors.Is(e.err.Err, errHandshakeLate)
	if e.err == nil || byHandler || a.phase != onLongPolling {
		return
	}
	switch {
	case a.ws.stage.isSpare():
		fx.retryNow = true
		a.startOnSocket(e.leg, e.now)
	case a.ws.stage == stageDialing: // it may come to something
		fx.pass = false
		a.handshake.heldEnd = &deferredCall{leg: e.leg, err: e.err}
	}
}

// abandonLateHandshake cuts a late handshake by HTTP, if there is a socket for it.
func (a *auto) abandonLateHandshake(fx *effects, now mono.Moment) {
	if a.handshake.leg != 0 && a.ws.stage.isSpare() && !now.Before(a.handshake.limitAt) {
		fx.cutHTTP, fx.cause = a.handshake.leg, errHandshakeLate
	}
}

// startOnSocket has the next session begin on the socket, whether that was proven
// or not: the handshake will prove it.
func (a *auto) startOnSocket(left transport.LegID, now mono.Moment) {
	a.switchTo(left, onWebSocket)
	a.ws.bound, a.ws.carriesSince = true, now.Time
	a.ws.take()
	a.releaseDial()
}
