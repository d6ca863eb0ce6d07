package interop_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/turold/turold/interop/servers"
)

// TestCommandOutlivesItsServer kills the server under a running "turold
// subscribe", which says what happened and goes on.
func TestCommandOutlivesItsServer(t *testing.T) {
	turold := command(t)
	for _, kind := range kinds {
		for _, mode := range modes {
			t.Run(kind.Name+" "+mode.String(), func(t *testing.T) {
				t.Parallel()
				outlive(t, kind, turold, mode.String())
			})
		}
	}
}

// command builds the command, and returns where it is.
func command(t *testing.T) string {
	t.Helper()
	turold := filepath.Join(t.TempDir(), "turold")
	build := exec.Command("go", "build", "-o", turold, "./cmd/turold")
	build.Dir = ".."
	out, err := build.CombinedOutput()
	require.NoError(t, err, string(out))
	return turold
}

func outlive(t *testing.T, kind *servers.Kind, turold, transport string) {
	s := start(t, kind)
	c := exec.Command(turold, "subscribe", "--transport", transport, s.URL(), "/lab/a")
	var log bytes.Buffer
	c.Stderr = &log
	stdout, err := c.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, c.Start())
	defer func() { _ = c.Process.Kill() }()
	lines := make(chan string)
	go func() {
		defer close(lines)
		for in := bufio.NewScanner(stdout); in.Scan(); {
			lines <- in.Text()
		}
	}()
	next := func() (line struct {
		Channel string
		Data    *number
		Gap     *struct {
			Reason string
			Missed *int
		}
	}) {
		t.Helper()
		select {
		case text := <-lines:
			require.NoError(t, json.Unmarshal([]byte(text), &line), text)
		case <-time.After(time.Minute):
			require.Fail(t, "no line", log.String())
		}
		return line
	}

	subscribed(t, s, 1)
	require.NoError(t, s.Publish("/lab/a", 1, 1, 0))
	require.Equal(t, 1, next().Data.N)
	s.Kill()
	time.Sleep(2 * time.Second)
	require.NoError(t, s.Restart())
	back := time.Now()
	subscribed(t, s, 1)
	t.Logf("subscribed again %v after the server listened", time.Since(back))
	require.NoError(t, s.Publish("/lab/a", 2, 1, 0))
	line := next()
	for ; line.Gap != nil; line = next() {
		require.Nil(t, line.Gap.Missed)
	}
	require.Equal(t, 2, line.Data.N)

	require.NoError(t, c.Process.Signal(syscall.SIGTERM))
	for range lines {
		continue
	}
	require.NoError(t, c.Wait(), log.String())
	require.Contains(t, log.String(), "state=waiting")
	left, err := s.Sessions()
	require.NoError(t, err)
	require.Empty(t, left, "it says goodbye")
}
