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
		goes stand
	}{
		"the handler cut it": {&transport.Error{Op: "cut", Err: errEnded}, anchored},
		"it was late":        {&transport.Error{Op: "cut", Err: errShake}, turning},
		"it broke":           {fails("read", 0), turning},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRace(new(Memory), func() string { return "x" }, DefaultPatience)
			step := func(e event) effects {
				e.now = epoch
				return r.step(e)
			}
			step(event{kind: woken, lane: transport.LaneCommands})
			require.True(t, step(event{kind: asks, pipe: onHTTP, leg: 1}).pass)
			step(event{kind: drew, pipe: onHTTP, leg: 1, batch: batch(t, handshake)})
			require.NotNil(t, step(event{kind: asks, pipe: onSocket, leg: 2}).batch, "the probe")
			require.True(t, step(event{kind: ended, pipe: onHTTP, leg: 1, err: c.err}).pass)
			require.Equal(t, c.goes, r.at)
		})
	}
}

// TestWhatHTTPBringsWaitsForTheSocketThatWasLeft: what the server wrote to the
// socket last was sent first.
func TestWhatHTTPBringsWaitsForTheSocketThatWasLeft(t *testing.T) {
	const socket, poll = 7, 8
	r := newRace(new(Memory), func() string { return "x" }, DefaultPatience)
	r.carrier = transport.WebSocket
	r.out.Set(poll, &trip{lane: transport.LaneConnect, connect: true, sent: epoch.Time})
	r.sock, r.owns, r.at = socket, true, offering
	r.leaves(new(effects), epoch)
	step := func(after time.Duration, e event) effects {
		e.now = later(after)
		return r.step(e)
	}
	event1, event2 := batch(t, `[{"channel":"/a","data":1}]`), batch(t, `[{"channel":"/a","data":2}]`)
	require.False(t, step(10*time.Millisecond, event{kind: brought, pipe: onHTTP, leg: poll, batch: event2}).pass)
	require.False(t, step(10*time.Millisecond, event{kind: ended, pipe: onHTTP, leg: poll}).pass)
	require.True(t, step(20*time.Millisecond, event{kind: brought, pipe: onSocket, leg: socket, batch: event1}).pass)
	require.Empty(t, step(leastQuiet, event{kind: late}).let, "it has said something since")
	let := step(20*time.Millisecond+leastQuiet, event{kind: late}).let
	require.Len(t, let, 2)
	require.Equal(t, event2, let[0].batch)
	require.Nil(t, let[1].batch, "the end")
}

// TestNothingMovesWhileWhatHTTPBroughtWaits: the next socket gets the session when
// the Handler has all that came before.
func TestNothingMovesWhileWhatHTTPBroughtWaits(t *testing.T) {
	const left, next, poll = 7, 9, 8
	r := newRace(new(Memory), func() string { return "x" }, DefaultPatience)
	r.carrier = transport.WebSocket
	r.out.Set(poll, &trip{lane: transport.LaneConnect, connect: true, sent: epoch.Time})
	r.sock, r.owns, r.at = left, true, offering
	r.leaves(new(effects), epoch)
	r.sock, r.proven, r.warm, r.at = next, true, true, quieting
	step := func(after time.Duration, e event) effects {
		e.now = later(after)
		return r.step(e)
	}
	moves := func(after time.Duration) bool {
		return step(after, event{kind: asks, pipe: onSocket, leg: next, lane: transport.LaneConnect}).pass
	}
	const soon = 10 * time.Millisecond
	require.False(t, step(soon, event{kind: brought, pipe: onHTTP, leg: poll, batch: batch(t, connectOK)}).pass)
	require.False(t, step(soon, event{kind: ended, pipe: onHTTP, leg: poll}).pass)
	require.False(t, step(soon, event{kind: passed, pipe: onHTTP, leg: poll}).wake[onSocket][transport.LaneConnect])
	require.Equal(t, shut, r.at)
	require.False(t, moves(soon), "it waits")
	require.Len(t, step(leastQuiet, event{kind: late}).let, 2)
	require.False(t, moves(leastQuiet), "it is on its way")
	require.True(t, step(leastQuiet, event{kind: let}).wake[onSocket][transport.LaneConnect])
	require.True(t, moves(leastQuiet))
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
			r := newRace(mem, func() string { return "x" }, DefaultPatience)
			step := func(after time.Duration, e event) effects {
				e.now = later(after)
				return r.step(e)
			}
			step(0, event{kind: woken, lane: transport.LaneCommands})
			require.NotNil(t, step(0, event{kind: asks, pipe: onSocket, leg: 2}).batch, "the probe")
			if c.proved != 0 {
				mem.proved("x", epoch.Wall.Add(c.proved))
			}
			step(2*time.Second, event{kind: asks, pipe: onHTTP, leg: 1})
			step(2*time.Second, event{kind: brought, pipe: onHTTP, leg: 1, batch: batch(t, `[{"channel":"/a","data":1}]`)})
			step(2*time.Second, event{kind: ended, pipe: onSocket, leg: 2, err: &transport.Error{Op: "cut", Err: errMute}})
			_, open := mem.begin("x", epoch.Wall.Add(3*time.Second))
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
		at        stand
		meanwhile func(step func(event) effects)
		goes      stand // when it has the connect
	}{
		"it is left for its age": {upgraded, func(step func(event) effects) {
			step(event{kind: asks, pipe: onHTTP, leg: other})
			step(event{kind: ended, pipe: onHTTP, leg: other})
		}, parting},
		"nothing had moved for too long":       {shut, func(step func(event) effects) { step(event{kind: late}) }, adopting},
		"the Handler wants to know what lives": {shut, func(step func(event) effects) { step(event{kind: checks}) }, adopting},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRace(new(Memory), func() string { return "x" }, DefaultPatience)
			r.carrier, r.begun = transport.WebSocket, true
			r.sock, r.proven, r.warm, r.at = socket, true, true, c.at
			r.owns, r.scout = c.at == upgraded, c.at == upgraded
			r.until = later(time.Second).Time
			at := 2 * time.Second
			step := func(e event) effects {
				e.now = later(at)
				return r.step(e)
			}
			require.True(t, step(event{kind: asks, pipe: onSocket, leg: socket, lane: connect}).pass)
			c.meanwhile(func(e event) effects {
				fx := step(e)
				require.Zero(t, fx.cut)
				return fx
			})
			require.False(t, step(event{kind: asks, pipe: onHTTP, leg: other + 1, lane: connect}).pass)
			step(event{kind: drew, pipe: onSocket, leg: socket, lane: connect, batch: batch(t, held)})
			require.Equal(t, c.goes, r.at)
			require.False(t, step(event{kind: asks, pipe: onHTTP, leg: other + 2, lane: connect}).pass)
		})
	}
}

// TestAHandshakeDrawnWhileTheSocketTakesOver: the one that was to go by the socket
// was drawn by HTTP already, and who answers it has the session.
func TestAHandshakeDrawnWhileTheSocketTakesOver(t *testing.T) {
	for name, granted := range map[string]bool{"granted": true, "failed": false} {
		t.Run(name, func(t *testing.T) {
			const failed, socket, again = 1, 2, 3
			r := newRace(new(Memory), func() string { return "x" }, DefaultPatience)
			step := func(e event) effects {
				e.now = epoch
				return r.step(e)
			}
			step(event{kind: woken, lane: transport.LaneCommands})
			require.True(t, step(event{kind: asks, pipe: onHTTP, leg: failed}).pass)
			step(event{kind: drew, pipe: onHTTP, leg: failed, batch: batch(t, handshake)})
			step(event{kind: ended, pipe: onHTTP, leg: failed, err: fails("read", 0)})
			step(event{kind: passed, pipe: onHTTP, leg: failed})
			require.True(t, step(event{kind: asks, pipe: onHTTP, leg: again}).pass)
			require.Len(t, step(event{kind: asks, pipe: onSocket, leg: socket}).let, 1, "the handshake goes there")
			step(event{kind: drew, pipe: onHTTP, leg: again, batch: batch(t, handshake)})
			if granted {
				require.True(t, step(event{kind: brought, pipe: onHTTP, leg: again, batch: batch(t, grantedHTTP)}).pass)
				step(event{kind: ended, pipe: onHTTP, leg: again})
			} else {
				step(event{kind: ended, pipe: onHTTP, leg: again, err: fails("read", 0)})
			}
			step(event{kind: passed, pipe: onHTTP, leg: again})
			step(event{kind: passed, leg: failed})
			require.Equal(t, map[bool]stand{true: bold, false: upgraded}[granted], r.at)
			require.True(t, step(event{kind: asks, pipe: onSocket, leg: socket}).pass)
			step(event{kind: drew, pipe: onSocket, leg: socket, batch: batch(t, map[bool]string{true: held, false: handshake}[granted])})
			step(event{kind: brought, pipe: onSocket, leg: socket, batch: batch(t, map[bool]string{true: connectOK, false: grantedHTTP}[granted])})
			require.Equal(t, transport.WebSocket, r.carrier)
			require.Equal(t, !granted, r.born, "HTTP knows a session that it began")
		})
	}
}
