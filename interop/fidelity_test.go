package interop_test

import (
	"flag"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/turold/turold/internal/suite/fidelity"
	"github.com/turold/turold/interop/servers"
	"github.com/turold/turold/transport"
)

var update = flag.Bool("update", false, "write the traces of the real servers down anew")

// kept is where the traces are that the in-process server is held to as well.
var kept = filepath.Join("..", "internal", "suite", "fidelity", "testdata")

// TestRealServersDoWhatWasWrittenDown runs the script that the tests of
// internal/suite/fidelity run against bayeuxtest.
func TestRealServersDoWhatWasWrittenDown(t *testing.T) {
	for _, kind := range []*servers.Kind{servers.CometD, servers.CometD7, servers.CometD5, servers.Faye} {
		for _, pipe := range []string{transport.LongPolling, transport.WebSocket} {
			name := kind.Name + "." + pipe
			t.Run(name, func(t *testing.T) {
				t.Parallel() // most of it is waiting
				got := fidelity.Run(t, lab(kind), pipe)
				file := filepath.Join(kept, name+".txt")
				if *update {
					require.NoError(t, os.WriteFile(file, []byte(got), 0o644))
				}
				want, err := os.ReadFile(file)
				require.NoError(t, err)
				require.Empty(t, fidelity.Diff(string(want), got))
			})
		}
	}
}

func lab(kind *servers.Kind) *fidelity.Lab {
	return &fidelity.Lab{
		Calls: kind.Call, Goodbyes: kind.Call,
		Start: func(t *testing.T, maxInterval time.Duration) fidelity.Server {
			return real{start(t, kind, "timeout="+millis(fidelity.Timeout), "maxInterval="+millis(maxInterval))}
		},
	}
}

func millis(d time.Duration) string { return strconv.FormatInt(d.Milliseconds(), 10) }

// real is a real server, as the script sees it.
type real struct{ *servers.Server }

func (r real) Publish(channel string, n int) error { return r.Server.Publish(channel, n, 1, 0) }

func (r real) Forget() error {
	_, err := r.Server.Forget()
	return err
}

func (r real) Disconnect() error {
	_, err := r.Server.Disconnect()
	return err
}

func (r real) Stop() error {
	if r.Kind == servers.Faye {
		r.Server.Stop()
		return nil
	}
	return r.Shutdown()
}
