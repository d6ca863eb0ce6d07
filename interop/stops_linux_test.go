package interop_test

import (
	"flag"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/turold/turold/client"
	"github.com/turold/turold/interop/servers"
)

var pauses = flag.Duration("pause", 20*time.Second, "how long TestServerHangs stops its server's process")

// TestServerHangs: the process is stopped, for less than anybody notices, and
// for longer than the session waits for an answer. It is the same session that
// goes on, and nobody storms the server. A minute:
// go test -run TestServerHangs -v . -pause 60s
func TestServerHangs(t *testing.T) {
	for _, pause := range []time.Duration{5 * time.Second, *pauses} {
		t.Run(fmt.Sprint(pause), func(t *testing.T) {
			t.Parallel()
			s := newSite(t, servers.CometD, pause+30*time.Second)
			require.NoError(t, <-s.publish(50, 50))
			require.NoError(t, s.server.Pause())
			opened, written := s.Opened(), s.written()
			time.Sleep(pause)
			opened, written = s.Opened()-opened, s.written()-written
			require.NoError(t, s.server.Resume())
			resumed := time.Now()
			require.NoError(t, <-s.publish(1, 0))
			for _, m := range s.members {
				t.Logf("%v: the first event %v after the server went on", m.mode, m.arrived(t, s.published).Sub(resumed))
			}
			require.NoError(t, <-s.publish(50, 50))
			s.lossless(t)
			t.Logf("while it was stopped %d connections were opened, and %d times something was written", opened, written)
			most := len(s.members) * (10 + int(pause/time.Second))
			require.LessOrEqual(t, opened, most)
			require.LessOrEqual(t, written, most)
		})
	}
}

// TestServerIsKilledUnderLoad: it comes back without its sessions, and publishes
// at once. Each session begins anew, is told of it once, before the first event
// that comes then, and gets what follows.
func TestServerIsKilledUnderLoad(t *testing.T) {
	for _, kind := range []*servers.Kind{servers.CometD, servers.CometD5} {
		t.Run(kind.Name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t, kind, 0)
			published := s.publish(1000, 250)
			time.Sleep(time.Second)
			s.server.Kill()
			require.Error(t, <-published)
			time.Sleep(5 * time.Second)
			require.NoError(t, s.server.Restart())
			back := time.Now()
			published = s.publish(1000, 250)
			for _, m := range s.members {
				require.Eventually(t, func() bool { return m.Status().Session == 2 }, time.Minute, time.Millisecond, m.mode)
			}
			t.Logf("every session began anew within %v", time.Since(back))
			require.NoError(t, <-published)
			for _, m := range s.members {
				m.arrived(t, s.published)
				m.look(func(y *tally) {
					t.Logf("%v: %v", m.mode, y)
					require.Equal(t, []client.GapReason{client.GapNewSession}, y.gaps, m.mode)
					require.Zero(t, y.doubled+y.reordered+y.silent, m.mode)
				})
				require.Equal(t, 2, m.Status().Session, m.mode)
			}
		})
	}
}
