package interop_test

import (
	"bytes"
	"encoding/json"
	"os/exec"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/turold/turold/interop/servers"
)

// A measurement is what is read of the report of "turold load --json".
type measurement struct {
	Sessions struct {
		Up         int
		Transports map[string]int
		Outages    int
	}
	Published struct{ Sent, Taken int }
	Delivered struct {
		Expected, Received, Lost, Late, Doubled, OutOfOrder, Gaps int
		PerSecond                                                 float64
	}
	Latency struct{ P50, P99, Max float64 }
	Cores   float64
}

// TestLoad puts real servers under the load of a hundred sessions, by each way:
// nothing is lost or doubled, and the figures are printed.
func TestLoad(t *testing.T) {
	turold := command(t)
	for _, kind := range []*servers.Kind{servers.CometD, servers.Faye} {
		for _, transport := range []string{"auto", "websocket", "long-polling"} {
			t.Run(kind.Name+" "+transport, func(t *testing.T) {
				s := start(t, kind)
				var out, log bytes.Buffer
				c := exec.Command(turold, "load", "--transport", transport, "--json", "-",
					"--sessions", "100", "--ramp", "2s", "--rate", "100", "--warmup", "1s", "--duration", "4s", s.URL())
				c.Stdout, c.Stderr = &out, &log
				require.NoError(t, c.Run(), log.String())
				var m measurement
				require.NoError(t, json.Unmarshal(out.Bytes(), &m))
				t.Logf("%+v", m)
				require.Equal(t, 100, m.Sessions.Up)
				require.Positive(t, m.Published.Sent)
				require.Equal(t, m.Published.Sent, m.Published.Taken)
				require.Equal(t, 10*m.Published.Taken, m.Delivered.Received)
				require.Zero(t, m.Delivered.Lost+m.Delivered.Late)
				require.Zero(t, m.Delivered.Doubled)
				nobodyIsLeft(t, s)
			})
		}
	}
}

// TestLoadIsInterrupted by a signal, and says goodbye for everybody.
func TestLoadIsInterrupted(t *testing.T) {
	s := start(t, servers.CometD)
	var out, log bytes.Buffer
	c := exec.Command(command(t), "load", "--sessions", "100", "--ramp", "1s", "--duration", "1h", s.URL())
	c.Stdout, c.Stderr = &out, &log
	require.NoError(t, c.Start())
	defer func() { _ = c.Process.Kill() }()
	time.Sleep(5 * time.Second)
	require.NoError(t, c.Process.Signal(syscall.SIGINT))
	signalled := time.Now()
	require.NoError(t, c.Wait(), log.String())
	t.Logf("it ended %v after the signal", time.Since(signalled))
	require.Contains(t, out.String(), "interrupted")
	nobodyIsLeft(t, s)
}

func nobodyIsLeft(t *testing.T, s *servers.Server) {
	t.Helper()
	left, err := s.Sessions()
	require.NoError(t, err)
	require.Empty(t, left)
}
