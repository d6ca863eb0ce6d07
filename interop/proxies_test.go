package interop_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/turold/turold/bayeux"
	"github.com/turold/turold/client"
	"github.com/turold/turold/interop/proxies"
	"github.com/turold/turold/interop/servers"
	"github.com/turold/turold/transport"
)

// A way is one through a proxy.
type way struct {
	name   string
	start  func(addr string) (*proxies.Proxy, error) // to the server at addr
	user   string                                    // it is a forward proxy, with these credentials; "-": without
	socket bool                                      // a WebSocket passes
	cuts   bool                                      // what is idle for 5 s is cut, be it a poll or a WebSocket
}

var ways = []way{
	{name: "nginx", start: func(a string) (*proxies.Proxy, error) { return proxies.NGINX(a, false) }},
	{name: "nginx, upgrades passed", start: func(a string) (*proxies.Proxy, error) { return proxies.NGINX(a, true) }, socket: true},
	{name: "nginx, upgrades passed, 5 s", socket: true, cuts: true,
		start: func(a string) (*proxies.Proxy, error) { return proxies.NGINX(a, true, "proxy_read_timeout 5s;") }},
	{name: "nginx, bodies up to 1 KiB", start: func(a string) (*proxies.Proxy, error) { return proxies.NGINX(a, false, "client_max_body_size 1k;") }},
	{name: "haproxy", start: func(a string) (*proxies.Proxy, error) { return proxies.HAProxy(a, "50s") }, socket: true},
	{name: "haproxy, 5 s", start: func(a string) (*proxies.Proxy, error) { return proxies.HAProxy(a, "5s") }, socket: true, cuts: true},
	{name: "haproxy, 5 s, but tunnels an hour", socket: true,
		start: func(a string) (*proxies.Proxy, error) { return proxies.HAProxy(a, "5s", "timeout tunnel 1h") }},
	{name: "haproxy, upgrades denied", start: func(a string) (*proxies.Proxy, error) {
		return proxies.HAProxy(a, "50s", "http-request deny if upgrade")
	}},
	{name: "haproxy, upgrades dropped", start: func(a string) (*proxies.Proxy, error) {
		return proxies.HAProxy(a, "50s", "http-request silent-drop if upgrade")
	}},
	{name: "squid", start: func(string) (*proxies.Proxy, error) { return proxies.Squid(false) }, user: "-", socket: true},
	{name: "squid, credentials", start: func(string) (*proxies.Proxy, error) { return proxies.Squid(true) }, user: "harold:secret", socket: true},
	{name: "squid, no CONNECT", start: func(string) (*proxies.Proxy, error) { return proxies.Squid(false, "http_access deny CONNECT") }, user: "-"},
}

// trip is a round trip between the client and the proxy; to connect takes none.
const trip = 100 * time.Millisecond

// TestThroughProxies: the session begins through each, a round trip away, with
// its first event within a round trip of what two bare POSTs take, ends up on a WebSocket
// where one passes, outlasts a pause in which the proxy may cut it, and the
// application sees each event once and no error.
func TestThroughProxies(t *testing.T) {
	s := start(t, servers.CometD)
	for i, w := range ways {
		t.Run(w.name, func(t *testing.T) {
			t.Parallel()
			p, err := w.start(s.Addr())
			require.NoError(t, err)
			t.Cleanup(func() {
				p.Stop()
				if t.Failed() {
					t.Log(p.Log())
				}
			})
			far, err := servers.NewRelay(p.Addr, trip/2)
			require.NoError(t, err)
			t.Cleanup(far.Close)
			d := &client.Dialer{Logger: logger(t), Proxy: http.ProxyURL(nil)}
			address := s.URLVia(far.Addr())
			if w.user != "" {
				address = s.URL()
				proxy := &url.URL{Scheme: "http", Host: far.Addr()}
				if name, password, ok := strings.Cut(w.user, ":"); ok {
					proxy.User = url.UserPassword(name, password)
				}
				d.Proxy = http.ProxyURL(proxy)
			}
			t.Cleanup(func() { _ = d.Close() })
			channel := "/lab/proxy" + string(rune('a'+i))

			alone := bare(t, address, d.Proxy)
			begun := time.Now()
			c, err := d.Dial(t.Context(), address, nil)
			require.NoError(t, err)
			sub, err := c.Subscribe(t.Context(), bayeux.Channel(channel), nil)
			require.NoError(t, err)
			require.NoError(t, s.Publish(channel, 0, 1, 0))
			require.Equal(t, []int{0}, pull(t, sub, 1))
			took := time.Since(begun)
			t.Logf("first event after %.1f round trips; two bare POSTs take %.1f", took.Seconds()/trip.Seconds(), alone.Seconds()/trip.Seconds())
			require.Less(t, took, alone+trip+2*time.Second, "it waited for the WebSocket; and the machine may be busy")

			if w.socket {
				require.Eventually(t, func() bool { return c.Status().Transport == transport.WebSocket }, 30*time.Second, 10*time.Millisecond)
			}
			time.Sleep(12 * time.Second)
			require.NoError(t, s.Publish(channel, 1, 500, 100))
			got := pull(t, sub, 500)
			require.Equal(t, upTo(501)[1:], got)
			require.NoError(t, c.Publish(t.Context(), "/lab/up", 1))
			if !w.cuts {
				require.Equal(t, w.socket, c.Status().Transport == transport.WebSocket)
			}
			require.Equal(t, 1, c.Status().Session)
			t.Logf("%d pauses after failures in the 12 s of silence", d.Stats().Failures)
			require.NoError(t, c.Disconnect(limit(t, 10*time.Second)))
		})
	}
}

// bare is how long a handshake and a subscribe with a connect take, one POST
// each, on the same way and without the library.
func bare(t *testing.T, address string, proxy func(*http.Request) (*url.URL, error)) time.Duration {
	t.Helper()
	jar, err := cookiejar.New(nil)
	require.NoError(t, err)
	c := &http.Client{Jar: jar, Timeout: time.Minute, Transport: &http.Transport{Proxy: proxy}}
	defer c.CloseIdleConnections()
	post := func(batch ...word) []word {
		body, err := json.Marshal(batch)
		require.NoError(t, err)
		resp, err := c.Post(address, "application/json", bytes.NewReader(body))
		require.NoError(t, err)
		defer resp.Body.Close()
		var answer []word
		require.NoError(t, json.NewDecoder(resp.Body).Decode(&answer))
		return answer
	}
	begun := time.Now()
	shake := word{"channel": "/meta/handshake", "id": "1", "version": "1.0", "supportedConnectionTypes": []string{"long-polling"}}
	id := reply(post(shake), shake)["clientId"]
	post(word{"channel": "/meta/subscribe", "id": "2", "clientId": id, "subscription": "/lab/bare"},
		word{"channel": "/meta/connect", "id": "3", "clientId": id, "connectionType": "long-polling", "advice": word{"timeout": 0}})
	took := time.Since(begun)
	post(word{"channel": "/meta/disconnect", "id": "4", "clientId": id})
	return took
}
