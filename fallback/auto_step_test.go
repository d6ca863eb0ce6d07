package fallback

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/turold/turold/transport"
)

// TestHandshakeThatTheHandlerCutStaysByHTTP: the server refused the credential by
// HTTP, and the Handler cuts the leg while it gets another. The socket that is
// open was opened with the refused one.
func TestHandshakeThatTheHandlerCutStaysByHTTP(t *testing.T) {
	for name, c := range map[string]struct {
		err  *transport.Error
		goes phase
	}{
		"the handler cut it": {&transport.Error{Op: "cut", Err: errSocketEnded}, onLongPolling},
		"it was late":        {&transport.Error{Op: "cut", Err: errHandshakeLate}, switching},
		"it broke":           {fails("read", 0), switching},
	} {
		t.Run(name, func(t *testing.T) {
			a := newAuto(new(Memory), func() string { return "x" }, DefaultPatience)
			step := func(e event) effects {
				e.now = epoch
				return a.step(typed(e))
			}
			step(event{kind: eventWake, lane: transport.LaneCommands})
			require.True(t, step(event{kind: eventAsk, pipe: httpPipe, leg: 1}).pass)
			step(event{kind: eventDrawn, pipe: httpPipe, leg: 1, batch: batch(t, handshake)})
			require.NotNil(t, step(event{kind: eventAsk, pipe: socketPipe, leg: 2}).batch, "the probe")
			require.True(t, step(event{kind: eventEnd, pipe: httpPipe, leg: 1, err: c.err}).pass)
			require.Equal(t, c.goes, a.phase)
		})
	}
}

// TestWhatHTTPBringsWaitsForTheSocketThatWasLeft: what the server wrote to the
// socket last was sent first.
func TestWhatHTTPBringsWaitsForTheSocketThatWasLeft(t *testing.T) {
	const socket, poll = 7, 8
	a := newAuto(new(Memory), func() string { return "x" }, DefaultPatience)
	a.told.transport = transport.WebSocket
	a.http.exchanges.Set(poll, &exchange{lane: transport.LaneConnect, hasConnect: true, sentAt: epoch.Time})
	a.ws.leg, a.ws.stage, a.phase = socket, stageCarrying, offeringConnect
	a.finishRotation(new(effects), epoch)
	step := func(after time.Duration, e event) effects {
		e.now = later(after)
		return a.step(typed(e))
	}
	event1, event2 := batch(t, `[{"channel":"/a","data":1}]`), batch(t, `[{"channel":"/a","data":2}]`)
	require.False(t, step(10*time.Millisecond, event{kind: eventReceive, pipe: httpPipe, leg: poll, batch: event2}).pass)
	require.False(t, step(10*time.Millisecond, event{kind: eventEnd, pipe: httpPipe, leg: poll}).pass)
	require.True(t, step(20*time.Millisecond, event{kind: eventReceive, pipe: socketPipe, leg: socket, batch: event1}).pass)
	require.Empty(t, step(minQuiet, event{kind: eventTimer}).flush, "it has said something since")
	let := step(20*time.Millisecond+minQuiet, event{kind: eventTimer}).flush
	require.Len(t, let, 2)
	require.Equal(t, event2, let[0].batch)
	require.Nil(t, let[1].batch, "the end")
}

// TestNothingMovesWhileWhatHTTPBroughtWaits: the next socket gets the session when
// the Handler has all that came before.
func TestNothingMovesWhileWhatHTTPBroughtWaits(t *testing.T) {
	const left, next, poll = 7, 9, 8
	a := newAuto(new(Memory), func() string { return "x" }, DefaultPatience)
	a.told.transport = transport.WebSocket
	a.http.exchanges.Set(poll, &exchange{lane: transport.LaneConnect, hasConnect: true, sentAt: epoch.Time})
	a.ws.leg, a.ws.stage, a.phase = left, stageCarrying, offeringConnect
	a.finishRotation(new(effects), epoch)
	a.ws.leg, a.ws.stage, a.http.heldPollSeen, a.phase = next, stageProven, true, finishingPoll
	step := func(after time.Duration, e event) effects {
		e.now = later(after)
		return a.step(typed(e))
	}
	moves := func(after time.Duration) bool {
		return step(after, event{kind: eventAsk, pipe: socketPipe, leg: next, lane: transport.LaneConnect}).pass
	}
	const soon = 10 * time.Millisecond
	require.False(t, step(soon, event{kind: eventReceive, pipe: httpPipe, leg: poll, batch: batch(t, connectOK)}).pass)
	require.False(t, step(soon, event{kind: eventEnd, pipe: httpPipe, leg: poll}).pass)
	require.False(t, step(soon, event{kind: eventEndDelivered, pipe: httpPipe, leg: poll}).wake[socketPipe][transport.LaneConnect])
	require.Equal(t, awaitingExchanges, a.phase)
	require.False(t, moves(soon), "it waits")
	require.Len(t, step(minQuiet, event{kind: eventTimer}).flush, 2)
	require.False(t, moves(minQuiet), "it is on its way")
	require.True(t, step(minQuiet, event{kind: eventFlushed}).wake[socketPipe][transport.LaneConnect])
	require.True(t, moves(minQuiet))
}

// TestSlowSocketsAreNotMute: of many sockets that open at once on a machine that
// is busy one is answered late, and others are in the meantime.
func TestSlowSocketsAreNotMute(t *testing.T) {
	for name, c := range map[string]struct {
		proved  time.Duration // since the socket opened
		verdict bool
	}{
		"nobody's was answered":     {0, true},
		"one was, before it opened": {-time.Second, true},
		"one was, after":            {time.Second, false},
	} {
		t.Run(name, func(t *testing.T) {
			mem := new(Memory)
			a := newAuto(mem, func() string { return "x" }, DefaultPatience)
			step := func(after time.Duration, e event) effects {
				e.now = later(after)
				return a.step(typed(e))
			}
			step(0, event{kind: eventWake, lane: transport.LaneCommands})
			require.NotNil(t, step(0, event{kind: eventAsk, pipe: socketPipe, leg: 2}).batch, "the probe")
			if c.proved != 0 {
				mem.recordProven("x", epoch.Wall.Add(c.proved))
			}
			step(2*time.Second, event{kind: eventAsk, pipe: httpPipe, leg: 1})
			step(2*time.Second, event{kind: eventReceive, pipe: httpPipe, leg: 1, batch: batch(t, `[{"channel":"/a","data":1}]`)})
			step(2*time.Second, event{kind: eventEnd, pipe: socketPipe, leg: 2, err: &transport.Error{Op: "cut", Err: errMute}})
			_, open := mem.reserve("x", epoch.Wall.Add(3*time.Second))
			require.Equal(t, c.verdict, !open)
		})
	}
}

// TestADrawInProgressIsOut: a socket that is inside the Handler's Next may come out
// with the connect, so HTTP is offered none before, whatever happens meanwhile.
func TestADrawInProgressIsOut(t *testing.T) {
	const socket, other = 7, 9
	connect := transport.LaneConnect
	for name, c := range map[string]struct {
		at        phase
		meanwhile func(step func(event) effects)
		goes      phase // when it has the connect
	}{
		"it is left for its age": {onWebSocket, func(step func(event) effects) {
			step(event{kind: eventAsk, pipe: httpPipe, leg: other})
			step(event{kind: eventEnd, pipe: httpPipe, leg: other})
		}, finishingConnect},
		"nothing had moved for too long":       {awaitingExchanges, func(step func(event) effects) { step(event{kind: eventTimer}) }, confirming},
		"the Handler wants to know what lives": {awaitingExchanges, func(step func(event) effects) { step(event{kind: eventCheck}) }, confirming},
	} {
		t.Run(name, func(t *testing.T) {
			a := newAuto(new(Memory), func() string { return "x" }, DefaultPatience)
			a.told.transport, a.next.started = transport.WebSocket, true
			a.ws.leg, a.ws.stage, a.http.heldPollSeen, a.phase = socket, stageProven, true, c.at
			if c.at == onWebSocket {
				a.ws.stage, a.rotation.checkHTTP = stageCarrying, true
			}
			a.phaseEndAt = later(time.Second).Time
			at := 2 * time.Second
			step := func(e event) effects {
				e.now = later(at)
				return a.step(typed(e))
			}
			require.True(t, step(event{kind: eventAsk, pipe: socketPipe, leg: socket, lane: connect}).pass)
			c.meanwhile(func(e event) effects {
				fx := step(e)
				require.Zero(t, fx.cutSocket)
				return fx
			})
			require.False(t, step(event{kind: eventAsk, pipe: httpPipe, leg: other + 1, lane: connect}).pass)
			step(event{kind: eventDrawn, pipe: socketPipe, leg: socket, lane: connect, batch: batch(t, held)})
			require.Equal(t, c.goes, a.phase)
			require.False(t, step(event{kind: eventAsk, pipe: httpPipe, leg: other + 2, lane: connect}).pass)
		})
	}
}

// TestAHandshakeDrawnWhileTheSocketTakesOver: the one that was to go by the socket
// was drawn by HTTP already, and who answers it has the session.
func TestAHandshakeDrawnWhileTheSocketTakesOver(t *testing.T) {
	for name, granted := range map[string]bool{"granted": true, "failed": false} {
		t.Run(name, func(t *testing.T) {
			const failed, socket, again = 1, 2, 3
			a := newAuto(new(Memory), func() string { return "x" }, DefaultPatience)
			step := func(e event) effects {
				e.now = epoch
				return a.step(typed(e))
			}
			step(event{kind: eventWake, lane: transport.LaneCommands})
			require.True(t, step(event{kind: eventAsk, pipe: httpPipe, leg: failed}).pass)
			step(event{kind: eventDrawn, pipe: httpPipe, leg: failed, batch: batch(t, handshake)})
			step(event{kind: eventEnd, pipe: httpPipe, leg: failed, err: fails("read", 0)})
			step(event{kind: eventEndDelivered, pipe: httpPipe, leg: failed})
			require.True(t, step(event{kind: eventAsk, pipe: httpPipe, leg: again}).pass)
			require.Len(t, step(event{kind: eventAsk, pipe: socketPipe, leg: socket}).flush, 1, "the handshake goes there")
			step(event{kind: eventDrawn, pipe: httpPipe, leg: again, batch: batch(t, handshake)})
			if granted {
				require.True(t, step(event{kind: eventReceive, pipe: httpPipe, leg: again, batch: batch(t, grantedHTTP)}).pass)
				step(event{kind: eventEnd, pipe: httpPipe, leg: again})
			} else {
				step(event{kind: eventEnd, pipe: httpPipe, leg: again, err: fails("read", 0)})
			}
			step(event{kind: eventEndDelivered, pipe: httpPipe, leg: again})
			step(event{kind: eventEndDelivered, leg: failed})
			require.Equal(t, map[bool]phase{true: optimistic, false: onWebSocket}[granted], a.phase)
			require.True(t, step(event{kind: eventAsk, pipe: socketPipe, leg: socket}).pass)
			step(event{kind: eventDrawn, pipe: socketPipe, leg: socket, batch: batch(t, map[bool]string{true: held, false: handshake}[granted])})
			step(event{kind: eventReceive, pipe: socketPipe, leg: socket, batch: batch(t, map[bool]string{true: connectOK, false: grantedHTTP}[granted])})
			require.Equal(t, transport.WebSocket, a.told.transport)
			require.Equal(t, !granted, a.ws.bound, "HTTP knows a session that it began")
		})
	}
}
