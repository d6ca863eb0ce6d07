package main

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/turold/turold/bayeux"
	"github.com/turold/turold/bayeux/bayeuxtest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// These run on real sockets: nothing waits on a clock but for a timeout that
// is asked for, and every wait has a generous bound.

const bound = time.Minute

// A result is what a run of the command left.
type result struct {
	code     int
	out, err string
}

// buffer may be written to and read at once.
type buffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

func turold(t *testing.T, in string, args ...string) result {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), bound)
	defer cancel()
	var out, err buffer
	code := run(ctx, args, stdio{strings.NewReader(in), &out, &err})
	require.NoError(t, ctx.Err(), "it does not end: %s", err.String())
	return result{code, out.String(), err.String()}
}

func start(t *testing.T, o *bayeuxtest.Options) *bayeuxtest.Running {
	t.Helper()
	s, err := bayeuxtest.Start(o)
	require.NoError(t, err)
	t.Cleanup(func() { _ = s.Close() })
	return s
}

// subscribed waits until somebody has a subscription, and then calls f.
func subscribed(s *bayeuxtest.Running, f func()) {
	go func() {
		for {
			for _, x := range s.Sessions() {
				if len(x.Subscriptions()) > 0 {
					f()
					return
				}
			}
			time.Sleep(time.Millisecond)
		}
	}()
}

func TestSubscribePrintsALineAnEvent(t *testing.T) {
	for _, transport := range []string{"auto", "websocket-first", "websocket", "long-polling"} {
		s := start(t, nil)
		subscribed(s, func() {
			_ = s.Publish("/a/b", map[string]string{"x": "<\n>"})
			_ = s.Publish("/a/c", nil)
		})
		r := turold(t, "", "subscribe", "--count", "2", "--log", "json", "--transport", transport, s.URL, "/a/*")
		require.Equal(t, exitDone, r.code, r.err)
		require.Equal(t, "{\"channel\":\"/a/b\",\"data\":{\"x\":\"\\u003c\\n\\u003e\"}}\n{\"channel\":\"/a/c\",\"data\":null}\n", r.out)
		require.Empty(t, s.Sessions(), "it says goodbye")

		var line struct{ Msg, Transport, From, To, Reason string }
		require.NoError(t, json.Unmarshal([]byte(r.err[:strings.Index(r.err, "\n")]), &line))
		require.Equal(t, "transport", line.Msg)
		require.Equal(t, line.To, line.Transport)
		require.Equal(t, transport == "long-polling" || transport == "auto", line.To == "long-polling", "auto begins there")
		require.Equal(t, "first", line.Reason)
	}
}

func TestSubscribePrintsGaps(t *testing.T) {
	s := start(t, nil)
	subscribed(s, func() {
		_ = s.Publish("/a", 0)
		for before := s.Stats().Connects; s.Stats().Connects < before+2; { // until the event is acknowledged
			time.Sleep(time.Millisecond)
			if x := s.Sessions(); len(x) > 0 {
				_ = x[0].Deliver("/none", 0) // has a held connect answered
			}
		}
		s.Forget("")
		s.CutAll()
		subscribed(s, func() { _ = s.Publish("/a", 1) })
	})
	r := turold(t, "", "subscribe", "--count", "2", s.URL, "/a")
	require.Equal(t, exitDone, r.code, r.err)
	require.Equal(t, "{\"channel\":\"/a\",\"data\":0}\n{\"channel\":\"/a\",\"gap\":{\"reason\":\"new session\",\"missed\":null}}\n{\"channel\":\"/a\",\"data\":1}\n", r.out)
}

func TestASignalEndsItInOrder(t *testing.T) {
	s := start(t, nil)
	ctx, cancel := context.WithCancel(t.Context())
	subscribed(s, cancel)
	var out, err buffer
	require.Equal(t, exitDone, run(ctx, []string{"subscribe", s.URL, "/a"}, stdio{strings.NewReader(""), &out, &err}), err.String())
	require.Empty(t, s.Sessions())
}

// deaf is a standard output whose reader has closed it.
type deaf struct{}

func (deaf) Write([]byte) (int, error) { return 0, io.ErrClosedPipe }

func TestClosedOutputEndsItQuietly(t *testing.T) {
	s := start(t, nil)
	subscribed(s, func() { _ = s.Publish("/a", 1) })
	var err buffer
	require.Equal(t, exitDone, run(t.Context(), []string{"subscribe", s.URL, "/a"}, stdio{strings.NewReader(""), deaf{}, &err}))
	require.NotContains(t, err.String(), "turold:")
	require.Empty(t, s.Sessions())
}

func TestPublish(t *testing.T) {
	var mu sync.Mutex
	var got []string
	s := start(t, &bayeuxtest.Options{Take: func(ms []bayeux.Message) {
		mu.Lock()
		defer mu.Unlock()
		for _, m := range ms {
			if m.Channel == "/a" {
				got = append(got, string(m.Data))
			}
		}
	}})
	r := turold(t, "", "publish", s.URL, "/a", `{"x":1}`)
	require.Equal(t, result{code: exitDone, err: r.err}, r)
	r = turold(t, "1\n\n\"two\"\n[3]", "publish", s.URL, "/a")
	require.Equal(t, exitDone, r.code, r.err)
	mu.Lock()
	require.Equal(t, []string{`{"x":1}`, "1", `"two"`, "[3]"}, got)
	mu.Unlock()
	r = turold(t, "1\nnot JSON\n3\n", "publish", s.URL, "/a")
	require.Equal(t, exitUsage, r.code)
	require.Contains(t, r.err, "line 2")
}

func TestCall(t *testing.T) {
	s := start(t, nil)
	s.Handle("/service/echo", func(_ *bayeuxtest.Session, m bayeux.Message) (any, error) { return m.Data, nil })
	s.Handle("/service/no", func(*bayeuxtest.Session, bayeux.Message) (any, error) {
		return nil, bayeux.ParseError("/service/no", "403::not for you")
	})
	r := turold(t, "", "call", s.URL, "echo", `{"a": [1, 2]}`)
	require.Equal(t, result{exitDone, "{\"a\":[1,2]}\n", r.err}, r)
	r = turold(t, "", "call", s.URL, "no")
	require.Equal(t, exitRefused, r.code)
	require.Contains(t, r.err, "not for you")
}

func TestExitCodes(t *testing.T) {
	s := start(t, &bayeuxtest.Options{
		Authorize: func(_ *http.Request, m bayeux.Message) string {
			if m.Channel == "/deny" || m.Channel == bayeux.MetaSubscribe && m.Meta.Subscription[0] == "/deny" {
				return "403::denied"
			}
			return ""
		},
		Answer: func(ms []bayeux.Message) bool {
			return !slices.ContainsFunc(ms, func(m bayeux.Message) bool { return m.Channel == "/lost" })
		},
	})
	refuses := start(t, &bayeuxtest.Options{Authorize: func(*http.Request, bayeux.Message) string { return "403::go away" }})
	gone := start(t, nil)
	require.NoError(t, gone.Close())
	for _, tc := range []struct {
		code int
		says string
		args []string
	}{
		{exitUsage, "Try", nil},
		{exitUsage, "Try", []string{"subscribe", s.URL}},
		{exitUsage, "Try", []string{"subscribe", "--transport", "pigeon", s.URL, "/a"}},
		{exitUsage, "not JSON", []string{"publish", s.URL, "/a", "nonsense"}},
		{exitUsage, "URL", []string{"publish", "gopher://x", "/a", "1"}},
		{exitUsage, "Name: value", []string{"publish", "-H", "nonsense", s.URL, "/a", "1"}},
		{exitUsage, "no such file", []string{"publish", "--cacert", "/none", s.URL, "/a", "1"}},
		{exitTransport, "dial", []string{"publish", gone.URL, "/a", "1"}},
		{exitTransport, "404", []string{"publish", "--transport", "long-polling", s.URL + "x", "/a", "1"}},
		{exitRefused, "go away", []string{"subscribe", refuses.URL, "/a"}},
		{exitRefused, "denied", []string{"publish", s.URL, "/deny", "1"}},
		{exitRefused, "denied", []string{"subscribe", s.URL, "/deny"}},
		{exitTimeout, "timeout", []string{"subscribe", "--timeout", "50ms", s.URL, "/a"}},
		{exitUnknown, "unknown", []string{"publish", s.URL, "/lost", "1"}},
	} {
		r := turold(t, "", tc.args...)
		require.Equal(t, tc.code, r.code, "%v: %s", tc.args, r.err)
		require.Contains(t, r.err, tc.says, tc.args)
		require.Empty(t, r.out)
	}
	require.Equal(t, exitDone, turold(t, "", "--help").code)
}

func TestSigningIn(t *testing.T) {
	var mu sync.Mutex
	var seen []http.Header
	s := start(t, &bayeuxtest.Options{Authorize: func(r *http.Request, m bayeux.Message) string {
		mu.Lock()
		defer mu.Unlock()
		if m.Channel == bayeux.MetaHandshake {
			seen = append(seen, r.Header.Clone())
			if string(m.Ext) != "" && strings.Contains(string(m.Ext), "magic") {
				seen[len(seen)-1].Set("Ext", string(m.Ext))
			}
		}
		return ""
	}})
	file := filepath.Join(t.TempDir(), "token")
	require.NoError(t, os.WriteFile(file, []byte("abc\n"), 0o600))
	for _, args := range [][]string{
		{"--user", "me:pw"}, {"--token-file", file}, {"-H", "X-A: b", "-H", "X-C: d, e"}, {"--ext", `{"magic":1}`},
	} {
		r := turold(t, "", append([]string{"publish", s.URL, "/a", "1"}, args...)...)
		require.Equal(t, exitDone, r.code, r.err)
	}
	require.Equal(t, "Basic bWU6cHc=", seen[0].Get("Authorization"))
	require.Equal(t, "Bearer abc", seen[1].Get("Authorization"))
	require.Equal(t, "b", seen[2].Get("X-A"))
	require.Equal(t, "d, e", seen[2].Get("X-C"))
	require.Contains(t, seen[3].Get("Ext"), `"magic":1`)
}

func TestServe(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	var out, err buffer
	done := make(chan int, 1)
	go func() {
		done <- run(ctx, []string{"serve", "--listen", "127.0.0.1:0", "--path", "/x", "--tick", "/t=5ms"}, stdio{strings.NewReader(""), &out, &err})
	}()
	require.Eventually(t, func() bool { return strings.HasSuffix(out.String(), "/x\n") }, bound, time.Millisecond)
	r := turold(t, "", "subscribe", "--count", "2", strings.TrimSpace(out.String()), "/t")
	require.Equal(t, exitDone, r.code, r.err)
	require.Contains(t, r.out, `"n":`)
	cancel()
	require.Equal(t, exitDone, <-done)
}

// TestWireIsShown: -vv prints each batch, and no secret.
func TestWireIsShown(t *testing.T) {
	s := start(t, nil)
	for _, form := range []string{"text", "json"} {
		r := turold(t, "", "publish", "-vv", "--log", form, "--transport", "websocket", "--ext", `{"token":"very-secret"}`, s.URL, "/a", `{"n":7}`)
		require.Equal(t, exitDone, r.code, r.err)
		require.NotContains(t, r.err, "very-secret")
		require.Contains(t, r.err, `"data":{"n":7}`)
		if form == "text" {
			require.Regexp(t, `(?m)^> websocket \d+ \[\{"channel":"/meta/handshake"`, r.err)
			require.Regexp(t, `(?m)^< websocket \d+ \[\{"channel":"/meta/handshake".*"clientId":"\*\*\*"`, r.err)
		}
	}
	r := turold(t, "", "publish", "-v", s.URL, "/a", `{"n":7}`)
	require.NotContains(t, r.err, `"data"`)
	require.Contains(t, r.err, "level=DEBUG")
}
