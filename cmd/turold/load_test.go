package main

import (
	"context"
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/turold/turold/bayeux"
	"github.com/turold/turold/bayeux/bayeuxtest"
	"github.com/turold/turold/cmd/turold/internal/load"
)

// small is a load test of half a second.
func small(args ...string) []string {
	return append([]string{"load", "--sessions", "8", "--ramp", "0s", "--rate", "100", "--warmup", "100ms", "--duration", "400ms"}, args...)
}

func TestLoad(t *testing.T) {
	for _, transport := range []string{"auto", "websocket", "long-polling"} {
		s := start(t, nil)
		plot, file := filepath.Join(t.TempDir(), "a.svg"), filepath.Join(t.TempDir(), "a.json")
		r := turold(t, "", small("--transport", transport, "--json", file, "--plot", plot, s.URL)...)
		require.Equal(t, exitDone, r.code, r.err)
		require.Contains(t, r.out, "lost 0 (0 untold), late 0, doubled 0, out of order 0, gaps 0")
		require.Empty(t, s.Sessions(), "it says goodbye")
		svg, err := os.ReadFile(plot)
		require.NoError(t, err)
		require.True(t, strings.HasPrefix(string(svg), "<svg"))
		b, err := os.ReadFile(file)
		require.NoError(t, err)
		var report load.Report
		require.NoError(t, json.Unmarshal(b, &report))
		require.Equal(t, 8, report.Sessions.Up)
		require.EqualValues(t, report.Delivered.Expected, report.Delivered.Received)
	}
}

func TestLoadTellsPrograms(t *testing.T) {
	s := start(t, nil)
	r := turold(t, "", small("--json", "-", s.URL)...)
	require.Equal(t, exitDone, r.code, r.err)
	require.Equal(t, 1, strings.Count(r.out, "\n"))
	var report load.Report
	require.NoError(t, json.Unmarshal([]byte(r.out), &report))
	require.NotEmpty(t, report.Latency.HDR)
}

// TestLoadStaysInItsPrefix: whatever is published or subscribed lies below it.
func TestLoadStaysInItsPrefix(t *testing.T) {
	var mu sync.Mutex
	seen := map[bayeux.Channel]bool{}
	s := start(t, &bayeuxtest.Options{Take: func(ms []bayeux.Message) {
		mu.Lock()
		defer mu.Unlock()
		for _, m := range ms {
			if m.Channel == bayeux.MetaSubscribe {
				for _, ch := range m.Meta.Subscription {
					seen[ch] = true
				}
			} else if !m.Channel.Meta() {
				seen[m.Channel] = true
			}
		}
	}})
	r := turold(t, "", small("--prefix", "/mine/alone", "--channels", "3", s.URL)...)
	require.Equal(t, exitDone, r.code, r.err)
	mu.Lock()
	defer mu.Unlock()
	require.Len(t, seen, 3)
	for ch := range seen {
		require.Regexp(t, `^/mine/alone/[A-Z2-7]{12}/[0-2]$`, ch)
	}
}

// TestASignalEndsALoadTest at once; it tells what it measured.
func TestASignalEndsALoadTest(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	var out, err buffer
	s := start(t, &bayeuxtest.Options{Take: func(ms []bayeux.Message) {
		for _, m := range ms {
			if strings.HasPrefix(string(m.Channel), "/turold/") {
				cancel()
			}
		}
	}})
	args := small("--duration", "1h", s.URL)
	require.Equal(t, exitDone, run(ctx, args, stdio{strings.NewReader(""), &out, &err}), err.String())
	require.Contains(t, out.String(), "interrupted")
	require.Empty(t, s.Sessions())
	n := s.Stats().Publishes
	time.Sleep(100 * time.Millisecond)
	require.Equal(t, n, s.Stats().Publishes)
}

func TestLoadExitCodes(t *testing.T) {
	loses := start(t, &bayeuxtest.Options{NoAck: true, Rewrite: func(ms []bayeux.Message, body []byte) []byte {
		if len(ms) == 1 && strings.HasSuffix(string(ms[0].Channel), "/0") && len(ms[0].Data) > 0 {
			return nil
		}
		return body
	}})
	refuses := start(t, &bayeuxtest.Options{Authorize: func(*http.Request, bayeux.Message) string { return "403::go away" }})
	denies := start(t, &bayeuxtest.Options{Authorize: func(_ *http.Request, m bayeux.Message) string {
		if m.Channel.Meta() {
			return ""
		}
		return "403::denied"
	}})
	gone := start(t, nil)
	require.NoError(t, gone.Close())
	for _, tc := range []struct {
		code int
		says string
		args []string
	}{
		{exitUsage, "--sessions", []string{"--sessions", "0", gone.URL}},
		{exitUsage, "--subscriptions", []string{"--subscriptions", "11", gone.URL}},
		{exitUsage, "--rate", []string{"--rate", "0", gone.URL}},
		{exitUsage, "--rate", []string{"--rate", "NaN", gone.URL}},
		{exitUsage, "--duration", []string{"--duration", "0s", gone.URL}},
		{exitUsage, "--warmup", []string{"--warmup", "-1s", gone.URL}},
		{exitUsage, "--size", []string{"--size", "9999999", gone.URL}},
		{exitUsage, "--prefix", []string{"--prefix", "/meta/x", gone.URL}},
		{exitUsage, "--prefix", []string{"--prefix", "/x/*", gone.URL}},
		{exitUsage, "URL", []string{"gopher://x"}},
		{exitTransport, "no session came up", []string{gone.URL}},
		{exitRefused, "go away", []string{refuses.URL}},
		{exitRefused, "denied", []string{denies.URL}},
		{exitMissing, "not everything arrived", []string{"--transport", "websocket", "--drain", "100ms", loses.URL}},
		{exitTimeout, "timeout", []string{"--timeout", "200ms", start(t, nil).URL}},
		{exitUsage, "no such", []string{"--plot", "/none/x.svg", start(t, nil).URL}},
	} {
		r := turold(t, "", small(tc.args...)...)
		require.Equal(t, tc.code, r.code, "%v: %s", tc.args, r.err)
		require.Contains(t, r.err, tc.says, tc.args)
	}
}

func TestProgress(t *testing.T) {
	last := load.Progress{Phase: "warm-up", Up: 5, Sent: 10, Received: 100}
	now := load.Progress{Phase: "measuring", Up: 6, Sent: 30, Received: 300, Errors: 1, P50: 1234567, P99: 7654321}
	require.Equal(t, "measuring  6 sessions  20/s published  200/s delivered  p50 1.235ms  p99 7.654ms  1 errors", progress(last, now))
}
