package hostile

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gorilla/websocket"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/turold/turold/bayeux/bayeuxtest/memnet"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// A world is an echo server, by WebSocket and by POST, behind something hostile.
type world struct {
	*testing.T
	net *memnet.Network
	way *Listener
}

func in(t *testing.T, f Fault, do func(w *world)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := &world{T: t, net: memnet.New()}
		l, err := w.net.Listen("server:80")
		require.NoError(t, err)
		w.way = Listen(l, f)
		up := websocket.Upgrader{}
		s := &http.Server{ReadHeaderTimeout: time.Hour, Handler: http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
			if !websocket.IsWebSocketUpgrade(r) {
				_, _ = io.Copy(rw, r.Body)
				return
			}
			c, err := up.Upgrade(rw, r, nil)
			if err != nil {
				return
			}
			defer c.Close()
			for {
				kind, b, err := c.ReadMessage()
				if err != nil || c.WriteMessage(kind, b) != nil {
					return
				}
			}
		})}
		done := make(chan struct{})
		go func() {
			defer close(done)
			_ = s.Serve(w.way)
		}()
		do(w)
		_ = s.Close()
		w.way.Cut()
		<-done
		synctest.Wait()
	})
}

// dial opens a WebSocket; status is that of a refusal.
func (w *world) dial() (c *websocket.Conn, status int, err error) {
	d := websocket.Dialer{NetDialContext: w.net.DialContext, HandshakeTimeout: time.Minute}
	c, resp, err := d.DialContext(w.Context(), "ws://server:80/", nil)
	if resp != nil {
		status = resp.StatusCode
	}
	if err == nil {
		w.Cleanup(func() { _ = c.Close() })
	}
	return c, status, err
}

// echo sends each text and returns what comes back within a minute.
func (w *world) echo(texts ...string) (got []string, err error) {
	c, _, err := w.dial()
	require.NoError(w, err)
	defer c.Close()
	for _, text := range texts {
		if err := c.WriteMessage(websocket.TextMessage, []byte(text)); err != nil {
			return got, err
		}
		time.Sleep(time.Second)
	}
	_ = c.SetReadDeadline(time.Now().Add(time.Minute))
	for range texts {
		_, b, err := c.ReadMessage()
		if err != nil {
			return got, err
		}
		got = append(got, string(b))
	}
	return got, nil
}

func (w *world) post(body string) (status int, answer string, err error) {
	tr := &http.Transport{DialContext: w.net.DialContext}
	defer tr.CloseIdleConnections()
	req, err := http.NewRequestWithContext(w.Context(), http.MethodPost, "http://server:80/", strings.NewReader(body))
	require.NoError(w, err)
	resp, err := tr.RoundTrip(req)
	if err != nil {
		return 0, "", err
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	return resp.StatusCode, string(b), err
}

func TestClear(t *testing.T) {
	in(t, Fault{}, func(w *world) {
		got, err := w.echo("a", strings.Repeat("b", 300), strings.Repeat("c", 70_000))
		require.NoError(w, err)
		require.Equal(w, []string{"a", strings.Repeat("b", 300), strings.Repeat("c", 70_000)}, got)
		status, answer, err := w.post("x")
		require.NoError(w, err)
		require.Equal(w, "x", answer)
		require.Equal(w, http.StatusOK, status)
	})
}

func TestAnswers(t *testing.T) {
	for _, a := range []*Answer{Forbidden, SignIn, Redirect, ProxyAuth} {
		in(t, Fault{Upgrade: a}, func(w *world) {
			_, status, err := w.dial()
			require.Error(w, err)
			require.Equal(w, max(a.Status, 200), status)
			_, answer, err := w.post("x")
			require.NoError(w, err)
			require.Equal(w, "x", answer, "HTTP passes")
		})
		in(t, Fault{HTTP: a}, func(w *world) {
			status, answer, err := w.post("x")
			require.NoError(w, err)
			require.Equal(w, max(a.Status, 200), status)
			require.Equal(w, a.Body, answer)
			_, err = w.echo("a")
			require.NoError(w, err, "a WebSocket passes")
		})
	}
}

func TestFaultsOfAWebSocket(t *testing.T) {
	for name, c := range map[string]struct {
		fault Fault
		sent  []string
		got   []string
		ends  bool
	}{
		"drop first":      {Fault{DropFirst: true}, []string{"a", "b"}, []string{"b"}, true},
		"mute up":         {Fault{MuteUp: true}, []string{"a"}, nil, true},
		"mute up after":   {Fault{MuteUp: true, After: 2}, []string{"a", "b", "c"}, []string{"a", "b"}, true},
		"mute down after": {Fault{MuteDown: true, After: 1}, []string{"a", "b"}, []string{"a"}, true},
		"reset after":     {Fault{ResetAfter: 6}, []string{"a", "b", "c"}, []string{"a", "b"}, true}, // three bytes a frame
		"in blocks":       {Fault{Buffer: 6}, []string{"a", "b", "c"}, []string{"a", "b"}, true},
		"trickle":         {Fault{Trickle: time.Millisecond}, []string{"a", "b"}, []string{"a", "b"}, false},
		"old after 2 s":   {Fault{Lifetime: 2500 * time.Millisecond}, []string{"a", "b", "c", "d"}, []string{"a", "b"}, true},
		"idle for 500 ms": {Fault{Idle: 500 * time.Millisecond}, []string{"a", "b"}, []string{"a"}, true},
		"idle for 2 s":    {Fault{Idle: 2 * time.Second}, []string{"a", "b", "c"}, []string{"a", "b", "c"}, false},
	} {
		t.Run(name, func(t *testing.T) {
			in(t, c.fault, func(w *world) {
				got, err := w.echo(c.sent...)
				require.Equal(w, c.ends, err != nil, "%v", err)
				require.Subset(w, c.got, got)
				if !strings.HasPrefix(name, "old") && !strings.HasPrefix(name, "idle") && name != "reset after" {
					require.Equal(w, c.got, got)
				}
			})
		})
	}
}

func TestHangAndWrongAccept(t *testing.T) {
	in(t, Fault{Hang: true}, func(w *world) {
		start := time.Now()
		_, _, err := w.dial()
		require.Error(w, err)
		require.Equal(w, time.Minute, time.Since(start))
	})
	in(t, Fault{WrongAccept: true}, func(w *world) {
		_, status, err := w.dial()
		require.Error(w, err)
		require.Equal(w, http.StatusSwitchingProtocols, status)
	})
}

func TestSetAndCut(t *testing.T) {
	in(t, Fault{}, func(w *world) {
		c, _, err := w.dial()
		require.NoError(w, err)
		w.way.Set(Fault{Upgrade: Forbidden})
		require.NoError(w, c.WriteMessage(websocket.TextMessage, []byte("a")))
		_, _, err = c.ReadMessage()
		require.NoError(w, err, "what is open stays as it was")
		w.way.Cut()
		_, _, err = c.ReadMessage()
		require.Error(w, err)
		_, status, err := w.dial()
		require.Error(w, err)
		require.Equal(w, http.StatusForbidden, status)
	})
}
