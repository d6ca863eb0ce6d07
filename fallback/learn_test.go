package fallback_test

import (
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/turold/turold/bayeux/bayeuxtest/hostile"
	"github.com/turold/turold/fallback"
	"github.com/turold/turold/transport"
)

// cuts is how many legs ended in a failure.
func (w *world) cuts() int { return len(w.user.saw().ends) }

// TestIdleCutsAreLearnt: what cuts silent connections does so twice at most for
// each transport, and then no more.
func TestIdleCutsAreLearnt(t *testing.T) {
	for _, idle := range []time.Duration{5 * time.Second, 30 * time.Second, 60 * time.Second} {
		for mode, pipes := range map[fallback.Mode]int{fallback.Auto: 2, fallback.WebSocketOnly: 1, fallback.LongPollingOnly: 1} {
			t.Run(idle.String()+" "+mode.String(), func(t *testing.T) {
				inWorld(t, func(w *world) {
					w.fault = hostile.Fault{Idle: idle}
					w.start(fallback.Policy{Mode: mode, Memory: new(fallback.Memory)})
					time.Sleep(10 * time.Minute)
					learnt := w.cuts()
					require.LessOrEqual(w, learnt, 2*pipes)
					time.Sleep(30 * time.Minute)
					require.Equal(w, learnt, w.cuts(), "cut again")
					require.Len(w, w.user.saw().shakes, 1)
					w.Logf("%d cuts in the first ten minutes, none in the 30 after", learnt)
				})
			})
		}
	}
}

// TestLifetimesAreLearnt: sockets that are cut at a certain age are left before,
// with nothing lost, and others follow.
func TestLifetimesAreLearnt(t *testing.T) {
	for _, lifetime := range []time.Duration{40 * time.Second, 120 * time.Second} {
		t.Run(lifetime.String(), func(t *testing.T) {
			inWorld(t, func(w *world) {
				w.fault = hostile.Fault{Lifetime: lifetime}
				w.auto()
				time.Sleep(5 * lifetime)
				learnt := w.cuts()
				require.LessOrEqual(w, learnt, 5, "three sockets, two polls")
				moved := len(w.changes())
				time.Sleep(30 * time.Minute)
				require.Equal(w, learnt, w.cuts(), "cut again")
				later := w.changes()[moved:]
				left := 0
				for _, d := range later {
					if d.To == polling {
						require.Equal(w, fallback.ReasonLifetime, d.Reason)
						left++
					}
				}
				require.GreaterOrEqual(w, left, int(30*time.Minute/lifetime))
				require.LessOrEqual(w, left, 2*int(30*time.Minute/lifetime)+1)
				require.Len(w, w.user.saw().shakes, 1)
				w.Logf("%d cuts until it was known; sockets left %d times in the 30 minutes after", learnt, left)
			})
		})
	}
}

// TestHTTPDiesBeforeASocketIsLeft: a socket that works is not left for an HTTP
// that does not.
func TestHTTPDiesBeforeASocketIsLeft(t *testing.T) {
	inWorld(t, func(w *world) {
		w.fault = hostile.Fault{Lifetime: 120 * time.Second}
		w.auto()
		time.Sleep(6 * time.Minute)
		w.on(socket)
		w.way.Set(hostile.Fault{HTTP: hostile.Forbidden})
		cuts := w.cuts()
		for range 7 {
			time.Sleep(10 * time.Second)
			if w.cuts() > cuts {
				break // the socket was cut after all
			}
			require.Equal(w, socket, w.changes()[len(w.changes())-1].To)
		}
		w.way.Set(hostile.Fault{})
		time.Sleep(3 * time.Minute)
		w.on(socket)
	})
}

// secondSession has one session find out that sockets work, and then another
// begin on a way that has a fault by now. It returns when, and what that saw in
// 20 s.
func (w *world) secondSession(fault hostile.Fault) (begun time.Time, saw record) {
	w.Helper()
	memory := new(fallback.Memory)
	w.start(fallback.Policy{Memory: memory})
	time.Sleep(10 * time.Second)
	w.on(socket)
	w.way.Set(fault)
	u := newUser()
	begun = time.Now()
	p := w.another(fallback.Policy{Memory: memory}, u)
	defer p.Close()
	u.wake(transport.LaneCommands)
	time.Sleep(20 * time.Second)
	return begun, u.saw()
}

// TestKnownGoodSavesARoundTrip: where a socket was proven a short while ago the
// next session is on one a round trip earlier than its poll could be answered.
func TestKnownGoodSavesARoundTrip(t *testing.T) {
	inWorld(t, func(w *world) {
		begun, saw := w.secondSession(hostile.Fault{})
		require.Len(w, saw.shakes, 1)
		require.Equal(w, polling, saw.shakes[0].kind, "so that it can come back")
		require.Equal(w, socket, saw.connects[0].kind)
		require.LessOrEqual(w, saw.connects[0].at.Sub(begun), 2*trip+50*time.Millisecond)
		require.Equal(w, socket, saw.connects[1].kind)
		require.LessOrEqual(w, saw.connects[1].at.Sub(begun), 3*trip+50*time.Millisecond)
		require.Zero(w, saw.failures)
	})
}

// TestKnownGoodAndNotAnyMore: the way changed since the last socket was proven,
// and the memory is old: HTTP serves a moment later.
func TestKnownGoodAndNotAnyMore(t *testing.T) {
	for name, fault := range map[string]hostile.Fault{
		"refused":   {Upgrade: hostile.Forbidden},
		"hangs":     {Hang: true},
		"mute":      {MuteUp: true, MuteDown: true},
		"mute up":   {MuteUp: true},
		"mute down": {MuteDown: true},
		"reset":     {ResetAfter: 1},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, func(w *world) {
				begun, saw := w.secondSession(fault)
				i := slices.IndexFunc(saw.connects, func(s sighting) bool { return s.kind == polling })
				require.GreaterOrEqual(w, i, 0, "%v %v", begun, saw)
				require.LessOrEqual(w, saw.connects[i].at.Sub(begun), 3*trip+time.Second, "a round trip, and the wait for a socket's answer")
				require.Len(w, saw.shakes, 1)
				require.Zero(w, saw.failures)
			})
		})
	}
}

// TestVerdictsAreTold, with what they rest on and when a socket is tried again.
func TestVerdictsAreTold(t *testing.T) {
	inWorld(t, func(w *world) {
		w.sockets(status(403))
		w.auto()
		time.Sleep(5 * time.Minute)
		answered, _ := w.dialCount() // a second later: the last may be on its way yet
		time.Sleep(time.Second)
		var verdicts []fallback.Decision
		for _, d := range w.told() {
			if d.Reason == fallback.ReasonRefused {
				verdicts = append(verdicts, d)
			}
		}
		tries, _ := w.dialCount()
		require.GreaterOrEqual(w, len(verdicts), answered, "one for each try")
		require.LessOrEqual(w, len(verdicts), tries, "one for each try")
		for _, d := range verdicts {
			require.Equal(w, fallback.ReasonRefused, d.Reason)
			require.ErrorContains(w, d.Err, strconv.Itoa(403))
			require.False(w, d.Next.IsZero())
		}
		w.sockets(nil)
		time.Sleep(75 * time.Second)
		w.on(socket)
	})
}
