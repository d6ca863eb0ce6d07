package attacks_test

import (
	"flag"
	"runtime/debug"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/turold/turold/fallback"
	"github.com/turold/turold/internal/suite/attacks"
)

// allowance is for what the garbage collector does not see yet: what becomes
// garbage while it marks counts as in use. On a busy machine that is up to 2.5 MiB;
// client and server take 0.1 MiB, which the first row prints.
const allowance = 4 << 20

func TestMain(m *testing.M) {
	flag.Parse()
	if err := flag.Set("test.parallel", "24"); err != nil { // what runs side by side here only waits
		panic(err)
	}
	goleak.VerifyTestMain(m)
}

// benign is no attack: a session in which nothing strikes.
var benign = attacks.Attack{Name: "none", Place: attacks.AsBody, On: "/nothing"}

// TestAttacks plays every attack, by every pipe that it can be played on. The
// session ends or goes on as the table has it, the user is told as the table has
// it, nothing goes anywhere else, and what is in use of the heap stays within four
// times the limit of a message. For the figure they are played one after the
// other, but for those that only take time.
func TestAttacks(t *testing.T) {
	defer debug.SetGCPercent(debug.SetGCPercent(10))
	names := map[string]bool{}
	for _, patient := range []bool{false, true} {
		t.Run(map[bool]string{false: "of memory", true: "of time"}[patient], func(t *testing.T) {
			for _, a := range append([]attacks.Attack{benign}, attacks.All()...) {
				for _, pipe := range a.Pipes() {
					for _, a := range stages(a) {
						if patient != takesTime(a) {
							continue
						}
						name := where(a) + "/" + pipe + "/" + a.Name
						require.False(t, names[name], "%s is there twice", name)
						names[name] = true
						t.Run(name, func(t *testing.T) {
							if patient {
								t.Parallel()
							}
							play(t, a, only(pipe))
						})
					}
				}
			}
		})
	}
	t.Logf("%d attacks, %d runs", len(attacks.All()), len(names))
}

// takesTime reports whether it is the time that an attack takes, and little else.
func takesTime(a attacks.Attack) bool { return a.Slow > 0 || a.Hang || a.Sees.Requests > 0 }

// TestTheOtherPipeServes: what is wrong with WebSockets alone harms no session in
// the default mode.
func TestTheOtherPipeServes(t *testing.T) {
	for _, a := range attacks.All() {
		if a.Place != attacks.AsUpgrade {
			continue
		}
		t.Run(a.Name, func(t *testing.T) {
			t.Parallel()
			r := start(t, a, fallback.Auto)
			defer r.server.Close()
			defer r.dialer.Close()
			require.NoError(t, r.dial())
			require.True(t, r.serves(r.subscribe()))
			require.Equal(t, 1, r.c.Status().Session)
			r.harmsNobody()
		})
	}
}

func only(pipe string) fallback.Mode {
	if pipe == "websocket" {
		return fallback.WebSocketOnly
	}
	return fallback.LongPollingOnly
}

// stages are where an attack strikes: at a handshake, each time, and once in a
// session that was in order.
func stages(a attacks.Attack) []attacks.Attack {
	if a.On != "" {
		if a.On == attacks.Event {
			a.Times = max(a.Times, 1)
		}
		return []attacks.Attack{a}
	}
	first, later := a, a
	first.On, first.Sees.Ends = attacks.Handshake, a.Sees.Error() && !a.Sees.May
	later.On, later.Times = attacks.Event, 1
	switch a.Place {
	case attacks.AsUpgrade, attacks.AsTunnel:
		return []attacks.Attack{first}
	}
	return []attacks.Attack{first, later}
}

func where(a attacks.Attack) string {
	switch a.Place {
	case attacks.AsUpgrade:
		return "upgrade"
	case attacks.AsTunnel:
		return "tunnel"
	}
	return strings.ReplaceAll(strings.Trim(a.On, "/"), "/", " ")
}

// play has one attack strike. Where the heap seems to have grown too much it
// strikes again: on a busy machine a collection takes so long that more than the
// allowance becomes garbage meanwhile, but not each time.
func play(t *testing.T, a attacks.Attack, mode fallback.Mode) {
	most := uint64(max(a.Sees.Keeps, 4)*attacks.Limit + allowance)
	live := strike(t, a, mode)
	for again := 2; live > most && again > 0; again-- {
		live = strike(t, a, mode)
	}
	require.LessOrEqual(t, live, most, "bytes of heap in use")
}

// strike returns by how much the heap has grown, 0 where that was not watched.
func strike(t *testing.T, a attacks.Attack, mode fallback.Mode) (live uint64) {
	r := start(t, a, mode)
	defer r.server.Close()
	defer r.dialer.Close()
	var heap *gauge
	if !takesTime(a) {
		heap = watchHeap()
	}
	begun := time.Now()
	dialed := r.dial() == nil
	require.Equal(t, a.Sees.Ends && a.On == attacks.Handshake, !dialed, "%s", r.brief())
	if dialed {
		r.session()
	}
	took := time.Since(begun)
	r.dialer.Close()
	if heap != nil {
		var all uint64
		live, all = heap.grown()
		t.Logf("%4.1f MiB in use, %4.1f MiB with garbage", float64(live)/(1<<20), float64(all)/(1<<20))
	}
	t.Logf("%v, told: %.150s", took.Round(time.Millisecond), r.brief())
	r.wasTold()
	r.harmsNobody()
	return live
}

// session subscribes, is struck, and goes on or ends.
func (r *run) session() {
	a := r.attack
	sub := r.subscribe()
	for n := range a.Times {
		_ = r.publish(n)
	}
	if a.Sees.Requests > 0 {
		before := r.server.Seen().Messages
		time.Sleep(2 * time.Second)
		require.LessOrEqual(r, r.server.Seen().Messages-before, a.Sees.Requests, "messages in two seconds")
	}
	if a.Sees.Ends {
		select {
		case <-r.c.Done():
		case <-time.After(recovery):
			require.Fail(r, "the session goes on", r.brief())
		}
		r.tell(r.c.Err())
		return
	}
	require.True(r, r.serves(sub), "%s", r.brief())
	if !a.Sees.Error() {
		require.Zero(r, len(r.told()), "%s", r.brief())
		require.Equal(r, 1, r.c.Status().Session)
	}
	if a.On == attacks.Event || a.On == attacks.Handshake {
		require.GreaterOrEqual(r, int(r.c.Status().Dropped), a.Sees.Dropped, "events that were nobody's")
		require.GreaterOrEqual(r, int(r.c.Status().Stray), a.Sees.Stray, "messages that were nobody's")
	}
}

// wasTold holds what the user was told to the table.
func (r *run) wasTold() {
	told := r.told()
	found := !r.attack.Sees.Error() || r.attack.Sees.May
	for _, err := range told {
		found = found || sees(r.attack.Sees, err)
		require.Less(r, len(err.Error()), 1000)
		require.NotContains(r, err.Error(), "canary")
		require.NotContains(r, err.Error(), "secret")
	}
	require.True(r, found, "%s", r.brief())
	if r.attack.On != "/nothing" {
		require.NotZero(r, r.server.Seen().Strikes)
	}
}

// harmsNobody looks at what the client has sent, and where.
func (r *run) harmsNobody() {
	seen := r.server.Seen()
	require.Zero(r, seen.Elsewhere, "connections to another origin")
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, addr := range r.dialed {
		require.Equal(r, r.server.Addr(), addr)
	}
	for _, head := range seen.Heads {
		require.NotContains(r, head, "canary=", "a cookie that is not the server's to set")
		require.NotContains(r, strings.ToLower(head), "\nx-canary", "a header that is nobody's")
		require.Less(r, len(head), 64<<10)
	}
	if r.attack.On != attacks.Handshake && r.dialer.Policy.Mode != fallback.Auto { // which probes a socket with a clientId of nobody
		require.Zero(r, seen.Misnamed)
	}
}
