package longpoll

import (
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/turold/turold/internal/testutil/testnet"
	"github.com/turold/turold/transport"
)

// via sends the session through a proxy.
func (w *world) via(proxy string) {
	u, err := url.Parse(proxy)
	require.NoError(w, err)
	w.network.Proxy = http.ProxyURL(u)
}

// TestAProxyForHTTP is asked in absolute form, with its credentials, and its
// refusals are told from the server's.
func TestAProxyForHTTP(t *testing.T) {
	for _, tc := range []struct {
		name, answer, op string
		status           int
	}{
		{"good", good, "", 0},
		{"wants credentials", answerOf("407 Proxy Authentication Required", "", ""), "proxy", 407},
		{"does not reach the server", answerOf("502 Bad Gateway", "", ""), "status", 502},
		{"closes", "close", "read", 0},
	} {
		t.Run(tc.name, func(t *testing.T) {
			inWorld(t, "http://server/cometd?token=secret", func(w *world) {
				w.via("http://me:secret@proxy:3128")
				var uri, auth string
				w.answer("proxy:3128", func(_ int, r *http.Request) string {
					uri, auth = r.RequestURI, r.Header.Get("Proxy-Authorization")
					return tc.answer
				})
				err, ms := w.exchange()
				require.Equal(w, "http://server/cometd?token=secret", uri)
				require.Equal(w, "Basic bWU6c2VjcmV0", auth)
				require.Zero(w, w.dialled("server:80"))
				if tc.op == "" {
					require.Nil(w, err)
					require.Len(w, ms, 1)
					return
				}
				require.Equal(w, tc.op, err.Op)
				require.Equal(w, tc.status, err.Status)
				require.False(w, err.Unsent)
			})
		})
	}
}

// TestAProxyForHTTPS is asked for a tunnel.
func TestAProxyForHTTPS(t *testing.T) {
	for _, tc := range []struct {
		name, answer, op string
		status           int
		server           string // whose certificate it shows
	}{
		{"good", "HTTP/1.1 200 Connected\r\n\r\n", "", 0, "server"},
		{"wants credentials", "HTTP/1.1 407 secret\r\n\r\n", "proxy", 407, "server"},
		{"without a reason phrase", "HTTP/1.1 407\r\n\r\n", "proxy", 407, "server"},
		{"forbids the port", "HTTP/1.1 403 Forbidden\r\n\r\n", "proxy", 403, "server"},
		{"does not reach the server", "HTTP/1.1 502 Bad Gateway\r\n\r\n", "proxy", 502, "server"},
		{"no HTTP", "secret\r\n\r\n", "proxy", 0, "server"},
		{"closes", "", "proxy", 0, "server"},
		{"intercepts", "HTTP/1.1 200 Connected\r\n\r\n", "tls", 0, "other"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			inWorld(t, "https://server/cometd", func(w *world) {
				server, client := testnet.Certify(tc.server)
				w.network.TLS = client
				w.listen("server:443", overTLS(server, serveGood))
				w.via("http://me:secret@proxy:3128")
				var seen http.Request
				w.listen("proxy:3128", testnet.Tunnel(w.net.DialContext, tc.answer, &seen))
				err, ms := w.exchange()
				require.Equal(w, "server:443", seen.Host)
				require.Equal(w, "Basic bWU6c2VjcmV0", seen.Header.Get("Proxy-Authorization"))
				require.Empty(w, seen.Header.Get("X-Token"), "the session's header is not the proxy's")
				if tc.op == "" {
					require.Nil(w, err)
					require.Len(w, ms, 1)
					return
				}
				require.Equal(w, tc.op, err.Op, "%v", err)
				require.Equal(w, tc.status, err.Status)
				require.True(w, err.Unsent)
			})
		})
	}
}

// TestNoWayToTheProxy is Op proxy, whatever the scheme.
func TestNoWayToTheProxy(t *testing.T) {
	for _, proxy := range []string{"http", "https", "socks5", "socks5h"} {
		for _, target := range []string{"http://server/cometd", "https://server/cometd"} {
			inWorld(t, target, func(w *world) {
				w.net.Refuse("proxy:3128", true)
				w.via(proxy + "://me:secret@proxy:3128")
				err, _ := w.exchange()
				require.Equal(w, "proxy", err.Op, "%v", err)
				require.True(w, err.Unsent)
			})
		}
	}
}

// TestTheProxyFunctionFails: its error may quote an address with credentials.
func TestTheProxyFunctionFails(t *testing.T) {
	inWorld(t, "http://server/cometd", func(w *world) {
		w.network.Proxy = func(*http.Request) (*url.URL, error) { return nil, errors.New("http://me:secret@proxy") }
		err, _ := w.exchange()
		require.Equal(w, "proxy", err.Op)
		require.True(w, err.Unsent)
	})
}

// TestATLSProxyFails is Op proxy: the server's own TLS had no part in it.
func TestATLSProxyFails(t *testing.T) {
	inWorld(t, "https://server/cometd", func(w *world) {
		w.via("https://proxy:3128")
		w.listen("proxy:3128", func(c net.Conn) { _, _ = io.WriteString(c, "no TLS") })
		err, _ := w.exchange()
		require.Equal(w, "proxy", err.Op, "%v", err)
	})
}

// socks is a SOCKS5 proxy that wants credentials and answers with a code.
func (w *world) socks(code byte, user *string) func(net.Conn) {
	return func(c net.Conn) {
		read := func(n int) []byte {
			b := make([]byte, n)
			_, _ = io.ReadFull(c, b)
			return b
		}
		read(int(read(2)[1]))
		_, _ = c.Write([]byte{5, 2})
		name := read(int(read(2)[1]))
		*user = string(name) + ":" + string(read(int(read(1)[0])))
		_, _ = c.Write([]byte{1, 0})
		host := read(int(read(5)[4]))
		read(2)
		_, _ = c.Write([]byte{5, code, 0, 1, 0, 0, 0, 0, 0, 0})
		if code == 0 {
			if to, err := w.net.DialContext(w.Context(), "tcp", string(host)+":80"); err == nil {
				testnet.Join(c, to)
			}
		}
	}
}

func TestSOCKS(t *testing.T) {
	for code, op := range map[byte]string{0: "", 2: "proxy", 4: "proxy"} {
		inWorld(t, "http://server/cometd", func(w *world) {
			w.answer("server:80", always(good))
			w.via("socks5://me:secret@proxy:1080")
			var user string
			w.listen("proxy:1080", w.socks(code, &user))
			err, ms := w.exchange()
			require.Equal(w, "me:secret", user)
			if op == "" {
				require.Nil(w, err)
				require.Len(w, ms, 1)
				return
			}
			require.Equal(w, op, err.Op, "%v", err)
			require.True(w, err.Unsent)
		})
	}
}

// TestASilentProxy is given up, on a pool that outlives the request too.
func TestASilentProxy(t *testing.T) {
	for proxy, target := range map[string]string{"socks5": "http://server/cometd", "http": "https://server/cometd"} {
		inWorld(t, target, func(w *world) {
			pool := NewRoundTripper(w.network)
			w.network.RoundTripper = pool
			w.via(proxy + "://proxy:1080")
			pool.Proxy = proxyFunc(w.network)
			gone := make(chan struct{})
			w.listen("proxy:1080", func(c net.Conn) {
				_, _ = io.Copy(io.Discard, c)
				close(gone)
			})
			id := w.send(transport.LaneCommands, 1)
			time.Sleep(time.Second)
			w.pipe.Cut(id, errors.New("late"))
			err, _ := w.outcome(id)
			require.Equal(w, "cut", err.Op)
			require.True(w, err.Unsent)
			require.NoError(w, w.pipe.Close())
			start := time.Now()
			<-gone
			require.LessOrEqual(w, time.Since(start), setupTimeout)
		})
	}
}
