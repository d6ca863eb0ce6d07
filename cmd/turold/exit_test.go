package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/turold/turold/bayeux"
	"github.com/turold/turold/bayeux/bayeuxtest"
	"github.com/turold/turold/client"
	"github.com/turold/turold/transport"
)

// closing is a listener whose connections are closed while something large
// comes on them.
type closing struct {
	net.Listener
	how string
}

func (l closing) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return &closingConn{TCPConn: c.(*net.TCPConn), how: l.how}, nil
}

type closingConn struct {
	*net.TCPConn
	how  string
	read atomic.Int64
}

func (c *closingConn) Read(p []byte) (int, error) {
	n, err := c.TCPConn.Read(p)
	if c.read.Add(int64(n)) < 20<<10 {
		return n, err
	}
	if c.how != "reset" { // what is written to it from here on is answered by a reset: the writer's error is EPIPE
		_ = c.CloseWrite()
	}
	if c.how != "FIN" {
		_ = c.SetLinger(0)
	}
	_ = c.Close()
	return 0, io.EOF
}

// TestABrokenConnectionIsNoSuccess: the server closes the connection under a
// body, as often as it is sent. The error of the write is the same as that of a
// standard output whose reader has closed it.
func TestABrokenConnectionIsNoSuccess(t *testing.T) {
	large := strings.Repeat("x", 1<<20)
	commands := map[string][]string{
		"publish":        {"publish", "URL", "/a", `"` + large + `"`},
		"publish a line": {"publish", "URL", "/a"},
		"call":           {"call", "URL", "a", `"` + large + `"`},
		"subscribe":      {"subscribe", "URL", "/" + large, "--timeout", "300ms"}, // it is asked for again and again
	}
	for name, args := range commands {
		for _, transport := range []string{"websocket", "long-polling"} {
			for _, how := range []string{"FIN", "reset", "FIN and reset"} {
				for _, unread := range []bool{false, true} {
					t.Run(fmt.Sprint(name, " by ", transport, ", ", how, ", unread ", unread), func(t *testing.T) {
						t.Parallel()
						l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
						require.NoError(t, err)
						s := bayeuxtest.Serve(closing{l, how}, "/cometd", bayeuxtest.New(nil), nil)
						defer s.Close()
						args := append(slices.Clone(args), "--transport", transport)
						args[1] = s.URL
						for range 3 {
							in := strings.NewReader(`"` + large + `"` + "\n")
							var out io.Writer = new(buffer)
							if unread {
								out = deaf{}
							}
							var said buffer
							code := run(t.Context(), args, stdio{in, out, &said})
							require.Contains(t, []int{exitUnknown, exitTransport, exitTimeout}, code, said.String())
							require.Contains(t, said.String(), "turold: ")
						}
					})
				}
			}
		}
	}
}

// TestMarksOfOthers: an error from the network is a failure, whatever it looks like.
func TestMarksOfOthers(t *testing.T) {
	for _, cause := range []error{
		syscall.EPIPE, io.ErrClosedPipe, io.EOF, net.ErrClosed, os.ErrDeadlineExceeded, context.Canceled, context.DeadlineExceeded, http.ErrServerClosed,
	} {
		failed := &transport.Error{Op: "write", Err: cause}
		require.Equal(t, exitTransport, exitCode(&client.OpError{Op: "dial", Err: failed}), cause)
		require.Equal(t, exitTransport, exitCode(&client.OutcomeError{Err: failed}), cause)
		require.Equal(t, exitUnknown, exitCode(&client.OpError{Op: "publish", Err: &client.OutcomeError{Sent: true, Err: failed}}), cause)
		require.Equal(t, exitUsage, exitCode(cause), cause)
	}
}

// TestASignalIsNoOutcome: what became of a message is told although a signal
// ended the waiting for it, and a signal that comes later changes nothing.
func TestASignalIsNoOutcome(t *testing.T) {
	for _, tc := range []struct {
		name string
		code int
		in   string
		args []string
	}{
		{"its answer is awaited", exitUnknown, "", []string{"publish", "URL", "/mute", "1"}},
		{"the answer to a line is awaited", exitUnknown, "1\n2\n", []string{"publish", "URL", "/mute"}},
		{"a call's answer is awaited", exitUnknown, "", []string{"call", "URL", "/mute"}},
		{"it was not sent", exitTransport, "", []string{"publish", "DEAF", "/a", "1"}},
		{"a call was not sent", exitTransport, "", []string{"call", "DEAF", "/a"}},
		{"nothing was to be sent", exitDone, "", []string{"subscribe", "DEAF", "/a"}},
		{"it was refused before", exitRefused, "", []string{"publish", "URL", "/no", "1"}},
		{"it was taken before", exitDone, "", []string{"publish", "URL", "/yes", "1"}},
		{"a line was refused before", exitRefused, "1\n", []string{"publish", "URL", "/no"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			ctx, signal := context.WithCancel(t.Context())
			defer signal()
			s := start(t, &bayeuxtest.Options{
				Authorize: func(_ *http.Request, m bayeux.Message) string {
					if m.Channel == "/no" {
						return "403::denied"
					}
					return ""
				},
				Take: func(ms []bayeux.Message) {
					if has(ms, "/mute", bayeux.MetaDisconnect) {
						signal()
					}
				},
				Rewrite: func(ms []bayeux.Message, body []byte) []byte {
					if has(ms, "/mute") {
						return nil
					}
					return body
				},
			})
			l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
			require.NoError(t, err)
			defer l.Close()
			go func() {
				if c, err := l.Accept(); err == nil { // and says nothing
					signal()
					defer c.Close()
					<-t.Context().Done()
				}
			}()
			args := slices.Clone(tc.args)
			args[1] = strings.NewReplacer("URL", s.URL, "DEAF", "http://"+l.Addr().String()).Replace(args[1])
			var out, said buffer
			code := run(ctx, append(args, "--transport", "websocket"), stdio{strings.NewReader(tc.in), &out, &said})
			require.Equal(t, tc.code, code, said.String())
		})
	}
}

func has(ms []bayeux.Message, channels ...bayeux.Channel) bool {
	return slices.ContainsFunc(ms, func(m bayeux.Message) bool { return slices.Contains(channels, m.Channel) })
}

// TestEnoughIsEnough: that a later subscription was not accepted by then is no
// failure.
func TestEnoughIsEnough(t *testing.T) {
	var publish sync.Once
	var s *bayeuxtest.Running
	s = start(t, &bayeuxtest.Options{
		Take: func(ms []bayeux.Message) {
			for _, m := range ms {
				if m.Channel == bayeux.MetaSubscribe && m.Meta.Subscription[0] == "/b" {
					publish.Do(func() { _ = s.Publish("/a", 1) })
				}
			}
		},
		Rewrite: func(ms []bayeux.Message, body []byte) []byte {
			if slices.ContainsFunc(ms, func(m bayeux.Message) bool {
				return m.Channel == bayeux.MetaSubscribe && m.Meta.Subscription[0] == "/b"
			}) {
				return nil
			}
			return body
		},
	})
	r := turold(t, "", "subscribe", "--transport", "websocket", "--count", "1", s.URL, "/a", "/b")
	require.Equal(t, exitDone, r.code, r.err)
}

// TestLoadIsJudgedUnread: a standard output whose reader has closed it changes neither
// the verdict nor the files.
func TestLoadIsJudgedUnread(t *testing.T) {
	loses := start(t, &bayeuxtest.Options{NoAck: true, Rewrite: func(ms []bayeux.Message, body []byte) []byte {
		if len(ms) == 1 && strings.HasSuffix(string(ms[0].Channel), "/0") && len(ms[0].Data) > 0 {
			return nil
		}
		return body
	}})
	good := start(t, nil)
	for url, code := range map[string]int{loses.URL: exitMissing, good.URL: exitDone} {
		file := filepath.Join(t.TempDir(), "a.json")
		var said buffer
		args := small("--transport", "websocket", "--drain", "100ms", "--json", file, url)
		if code == exitDone {
			args = small("--json", file, url)
		}
		require.Equal(t, code, run(t.Context(), args, stdio{strings.NewReader(""), deaf{}, &said}), said.String())
		require.FileExists(t, file)
	}
}

// TestALossIsToldAfterASignal that ended a load test.
func TestALossIsToldAfterASignal(t *testing.T) {
	ctx, signal := context.WithCancel(t.Context())
	var n atomic.Int32
	s := start(t, &bayeuxtest.Options{Rewrite: func(ms []bayeux.Message, body []byte) []byte {
		if slices.ContainsFunc(ms, func(m bayeux.Message) bool { return strings.HasPrefix(string(m.Channel), "/turold/") }) {
			if n.Add(1) == 20 {
				signal()
			}
			return nil // no answer, and no delivery
		}
		return body
	}})
	var out, said buffer
	args := small("--transport", "websocket", "--duration", "1h", s.URL)
	require.Equal(t, exitUnknown, run(ctx, args, stdio{strings.NewReader(""), &out, &said}), said.String())
}

// TestOnlyTheStandardOutputIsOne: a pipe that is asked for as a file, and that
// nobody reads, is a failure.
func TestOnlyTheStandardOutputIsOne(t *testing.T) {
	s := start(t, nil)
	r := turold(t, "", small("--plot", "/dev/full", s.URL)...)
	if _, err := os.Stat("/dev/full"); err == nil {
		require.Equal(t, exitUsage, r.code, r.err)
	}
}
