package longpoll

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/turold/turold/internal/testutil/testnet"
	"github.com/turold/turold/transport"
)

func overTLS(c *tls.Config, serve func(net.Conn)) func(net.Conn) {
	return func(raw net.Conn) {
		s := tls.Server(raw, c)
		defer s.Close()
		if s.Handshake() == nil {
			serve(s)
		}
	}
}

func serveGood(c net.Conn) { speak(c, always(good)) }

// TestTLS: what is wrong about a certificate is held to in internal/suite/hardening.
func TestTLS(t *testing.T) {
	for _, tc := range []struct {
		name  string
		serve func(server *tls.Config) func(net.Conn)
		op    string // empty: in order
		is    any
	}{
		{"good", func(s *tls.Config) func(net.Conn) { return overTLS(s, serveGood) }, "", nil},
		{"no TLS at all", func(*tls.Config) func(net.Conn) {
			return func(c net.Conn) {
				_, _ = c.Read(make([]byte, 1))
				_, _ = io.WriteString(c, "HTTP/1.1 400 Bad Request\r\n\r\n")
			}
		}, "tls", nil},
		{"closed at once", func(*tls.Config) func(net.Conn) { return func(net.Conn) {} }, "tls", nil},
		{"silent", func(*tls.Config) func(net.Conn) {
			return func(c net.Conn) { _, _ = io.Copy(io.Discard, c) }
		}, "tls", new(net.Error)},
		{"silent after the handshake", func(s *tls.Config) func(net.Conn) {
			return overTLS(s, func(c net.Conn) {
				_, _ = c.Read(make([]byte, 1))
				time.Sleep(time.Millisecond) // until the whole request is written
			})
		}, "read", nil},
	} {
		t.Run(tc.name, func(t *testing.T) {
			inWorld(t, "https://server/cometd", func(w *world) {
				server, client := testnet.Certify("server")
				w.network.TLS = client
				w.listen("server:443", tc.serve(server))
				start := time.Now()
				err, ms := w.exchange()
				require.LessOrEqual(w, time.Since(start), tlsTimeout)
				if tc.op == "" {
					require.Nil(w, err)
					require.Len(w, ms, 1)
					return
				}
				require.Equal(w, tc.op, err.Op, "%v", err)
				require.Equal(w, tc.op == "tls", err.Unsent)
				if tc.is != nil {
					require.ErrorAs(w, err, tc.is)
				}
			})
		})
	}
}

// TestCloseDuringTheHandshake does not wait for it.
func TestCloseDuringTheHandshake(t *testing.T) {
	inWorld(t, "https://server/cometd", func(w *world) {
		w.listen("server:443", func(c net.Conn) { _, _ = io.Copy(io.Discard, c) })
		id := w.send(transport.LaneCommands, 1)
		time.Sleep(time.Second)
		start := time.Now()
		require.NoError(w, w.pipe.Close())
		require.LessOrEqual(w, time.Since(start), 100*time.Millisecond)
		err, _ := w.outcome(id)
		require.Equal(w, "cut", err.Op)
		require.ErrorIs(w, err, transport.ErrClosed)
		require.True(w, err.Unsent)
	})
}

// TestHTTP2 carries both lanes over one connection, and tells its ends.
func TestHTTP2(t *testing.T) {
	inWorld(t, "https://server/cometd", func(w *world) {
		server, client := testnet.Certify("server")
		w.network.TLS = client
		server.NextProtos = []string{"h2"}
		held := make(chan struct{})
		var requests, second atomic.Int32
		srv := &http.Server{TLSConfig: server, Handler: http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
			requests.Add(1)
			second.Store(int32(r.ProtoMajor))
			if r.URL.Path == "/hold" {
				select {
				case <-held:
				case <-r.Context().Done():
				}
			}
			rw.Header().Set("Content-Type", "application/json")
			_, _ = io.WriteString(rw, "[]")
		})}
		l, err := w.net.Listen("server:443")
		require.NoError(w, err)
		go func() { _ = srv.ServeTLS(l, "", "") }()
		w.stop = append(w.stop, func() { _ = srv.Close(); w.net.Reset("server:443"); synctest.Wait() })

		e, _ := w.exchange()
		require.Nil(w, e)
		require.EqualValues(w, 2, second.Load())

		hold := *w.target
		hold.URL = hold.URL.JoinPath("..", "hold")
		w.session.SetTarget(&hold)
		poll := w.send(transport.LaneConnect, 1)
		synctest.Wait()
		w.session.SetTarget(w.target)
		e, _ = w.exchange()
		require.Nil(w, e, "a held connect delays no command")
		require.Equal(w, 1, w.dialled("server:443"))

		w.net.Reset("server:443")
		e, _ = w.outcome(poll)
		require.Equal(w, "read", e.Op, "%v", e)
		require.False(w, e.Unsent)
		require.EqualValues(w, 3, requests.Load(), "sent again")
		close(held)
	})
}

// TestADeadHTTP2Connection is found out while no request fails on it: all
// sessions would share it.
func TestADeadHTTP2Connection(t *testing.T) {
	inWorld(t, "https://server/cometd", func(w *world) {
		server, client := testnet.Certify("server")
		w.network.TLS = client
		server.NextProtos = []string{"h2"}
		srv := &http.Server{TLSConfig: server, Handler: http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) { <-r.Context().Done() })}
		l, err := w.net.Listen("server:443")
		require.NoError(w, err)
		go func() { _ = srv.ServeTLS(l, "", "") }()
		w.stop = append(w.stop, func() {
			w.net.Stall("server:443", false, false)
			_ = srv.Close()
			w.net.Reset("server:443")
			synctest.Wait()
		})
		poll := w.send(transport.LaneConnect, 1)
		synctest.Wait()
		w.net.Stall("server:443", true, true)
		start := time.Now()
		e, _ := w.outcome(poll)
		require.NotEqual(w, "cut", e.Op)
		require.LessOrEqual(w, time.Since(start), w.network.LongestSilence()+time.Second)
	})
}

// TestWhatHTTP2Says is not told: the text of a GOAWAY may hold anything.
func TestWhatHTTP2Says(t *testing.T) {
	frame := func(kind byte, stream byte, payload string) string {
		return string([]byte{0, 0, byte(len(payload)), kind, 4 & (kind << 2), 0, 0, 0, stream}) + payload
	}
	for name, said := range map[string]string{
		"goodbye":        frame(7, 0, "\x00\x00\x00\x00\x00\x00\x00\x0bsecret"),
		"goodbye, later": frame(7, 0, "\x00\x00\x00\x01\x00\x00\x00\x0bsecret"),
		"a reset":        frame(3, 1, "\x00\x00\x00\x0b"),
		"a bad header":   frame(1, 1, "\x88\x00\x07(secret\x01x"),
		"a bad value":    frame(1, 1, "\x88\x00\x01x\x07secret\x00"),
		"a bad status":   frame(1, 1, "\x08\x06secret"),
		"no frame":       "secretsecretsecret",
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, "https://server/cometd", func(w *world) {
				server, client := testnet.Certify("server")
				w.network.TLS = client
				server.NextProtos = []string{"h2"}
				w.listen("server:443", overTLS(server, func(c net.Conn) {
					_, _ = io.WriteString(c, frame(4, 0, ""))
					_, _ = io.CopyN(io.Discard, c, 200) // until the request is there
					_, _ = io.WriteString(c, said)
					time.Sleep(time.Second)
				}))
				err, _ := w.exchange()
				require.NotNil(w, err)
				for e := error(err); e != nil; e = errors.Unwrap(e) {
					require.NotContains(w, fmt.Sprintf("%v %+v %#v", e, e, e), "secret")
				}
			})
		})
	}
}
