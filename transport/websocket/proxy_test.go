package websocket

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/turold/turold/internal/testutil/testnet"
)

func mustURL(s string) *url.URL {
	u, err := url.Parse(s)
	if err != nil {
		panic(err)
	}
	return u
}

// piped dials a server that says something, behind a 101 or in place of it.
func piped(opens bool, said []byte) func(context.Context, string, string) (net.Conn, error) {
	return func(context.Context, string, string) (net.Conn, error) {
		c, s := net.Pipe()
		go func() {
			defer s.Close()
			r, err := http.ReadRequest(bufio.NewReader(s))
			if err != nil {
				return
			}
			if opens {
				_, _ = io.WriteString(s, testnet.Switching(r, ""))
			}
			go func() { _, _ = io.Copy(io.Discard, s) }()
			_, right, _ := strings.Cut(testnet.Switching(r, ""), "Sec-WebSocket-Accept: ")
			right, _, _ = strings.Cut(right, "\r\n")
			_, _ = s.Write(bytes.ReplaceAll(said, []byte("{accept}"), []byte(right)))
		}()
		return c, nil
	}
}

// TestHTTPProxies are asked for a tunnel, also for ws, and their refusals told
// from the server's. gorilla panics on an answer without a reason phrase.
func TestHTTPProxies(t *testing.T) {
	for _, tc := range []struct {
		name, answer string
		opens        bool
		status       int
	}{
		{"good", "HTTP/1.1 200 Connected\r\n\r\n", true, 0},
		{"good, without a reason phrase", "HTTP/1.1 200\r\n\r\n", true, 0},
		{"wants credentials", "HTTP/1.1 407 secret\r\n\r\n", false, 407},
		{"without a reason phrase", "HTTP/1.1 407\r\n\r\n", false, 407},
		{"forbids the port", "HTTP/1.1 403 Forbidden\r\n\r\n", false, 403},
		{"no HTTP", "secret\r\n\r\n", false, 0},
		{"says more than it should", "HTTP/1.1 200 OK\r\n\r\nHTTP/1.1 101 x\r\n\r\n", false, 0},
		{"without end", "HTTP/1.1 200 OK\r\nX: " + strings.Repeat("a", 100_000), false, 0},
		{"closes", "", false, 0},
	} {
		for _, scheme := range []string{"http", "https"} {
			t.Run(tc.name+" "+scheme, func(t *testing.T) {
				inWorld(t, scheme+"://server/cometd", func(w *world) {
					via := mustURL("http://me:secret@proxy:3128")
					w.network.Proxy = http.ProxyURL(via)
					port, secure := ":80", (*tls.Config)(nil)
					if scheme == "https" {
						port = ":443"
						secure, w.network.TLS = testnet.Certify("server")
					}
					w.sockets("server"+port, secure, w.silent)
					var seen http.Request
					w.listen("proxy:3128", testnet.Tunnel(w.net.DialContext, tc.answer, &seen))
					if tc.opens {
						w.send(10)
						synctest.Wait()
						require.Len(w, w.h.Record().Draws, 1)
						require.Empty(w, w.h.Record().Ends)
					} else {
						err := w.fails("proxy")
						require.Equal(w, tc.status, err.Status)
						require.True(w, err.Unsent)
					}
					require.Equal(w, http.MethodConnect, seen.Method)
					require.Equal(w, "server"+port, seen.RequestURI)
					require.Equal(w, "Basic bWU6c2VjcmV0", seen.Header.Get("Proxy-Authorization"))
				})
			})
		}
	}
}

func TestProxyOverTLS(t *testing.T) {
	inWorld(t, server, func(w *world) {
		conf, trust := testnet.Certify("proxy")
		w.network.TLS = trust
		w.network.Proxy = http.ProxyURL(mustURL("https://proxy"))
		w.sockets("server:80", nil, w.silent)
		var seen http.Request
		w.listen("proxy:443", func(c net.Conn) {
			testnet.Tunnel(w.net.DialContext, "HTTP/1.1 200 OK\r\n\r\n", &seen)(tls.Server(c, conf))
		})
		w.send(10)
		synctest.Wait()
		require.Len(w, w.h.Record().Draws, 1)
	})
}

// TestSOCKSProxy is given the name, with a user and password (RFC 1929).
func TestSOCKSProxy(t *testing.T) {
	for _, known := range []bool{true, false} {
		inWorld(t, server, func(w *world) {
			w.network.Proxy = http.ProxyURL(mustURL("socks5h://me:secret@proxy"))
			w.sockets("server:80", nil, w.silent)
			w.listen("proxy:1080", func(c net.Conn) {
				b := make([]byte, 256)
				_, _ = io.ReadFull(c, b[:2])
				_, _ = io.ReadFull(c, b[:b[1]])
				_, _ = c.Write([]byte{5, 2})
				_, _ = io.ReadFull(c, b[:11]) // 1, len, me, len, secret
				if !known {
					_, _ = c.Write([]byte{1, 1})
					return
				}
				require.Equal(w, "\x01\x02me\x06secret", string(b[:11]))
				_, _ = c.Write([]byte{1, 0})
				_, _ = io.ReadFull(c, b[:5+len("server")+2])
				require.Equal(w, "server", string(b[5:11]))
				_, _ = c.Write([]byte{5, 0, 0, 1, 0, 0, 0, 0, 0, 0})
				if to, err := w.net.DialContext(w.Context(), "tcp", "server:80"); err == nil {
					testnet.Join(c, to)
				}
			})
			if !known {
				w.fails("proxy")
				return
			}
			w.send(10)
			synctest.Wait()
			require.Len(w, w.h.Record().Draws, 1)
		})
	}
}
