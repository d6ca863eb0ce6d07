package client

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/turold/turold/bayeux"
	"github.com/turold/turold/fallback"
	"github.com/turold/turold/internal/mono"
	"github.com/turold/turold/internal/suite/attacks"
	"github.com/turold/turold/internal/testutil/testnet"
	"github.com/turold/turold/internal/wire"
	"github.com/turold/turold/transport"
)

const canary = "c4n4ry"

// A mouth is a server that says something to whoever asks, once a connection.
// It notes where connections go, and what is asked.
type mouth struct {
	say func(r *http.Request) []byte

	wg    sync.WaitGroup
	mu    sync.Mutex
	to    []string
	heads []string
}

func (m *mouth) dial(_ context.Context, _, addr string) (net.Conn, error) {
	c, s := net.Pipe()
	m.mu.Lock()
	m.to = append(m.to, addr)
	m.mu.Unlock()
	m.wg.Go(func() {
		defer s.Close()
		var head bytes.Buffer
		r, err := http.ReadRequest(bufio.NewReader(io.TeeReader(s, &head)))
		m.mu.Lock()
		m.heads = append(m.heads, head.String())
		m.mu.Unlock()
		if err != nil {
			return
		}
		go func() { _, _ = io.Copy(io.Discard, s) }()
		_, _ = s.Write(m.say(r))
	})
	return c, nil
}

// meets has a client meet what the mouth says, on one pipe, and returns the error.
func (m *mouth) meets(t *testing.T, mode fallback.Mode, o *Options) error {
	d := &Dialer{Policy: fallback.Policy{Mode: mode}, Proxy: http.ProxyURL(nil), DialContext: m.dial}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if o == nil {
		o = new(Options)
	}
	o.NetworkDelay = 100 * time.Millisecond
	_, err := d.Dial(ctx, "http://"+canary+":"+canary+"@server/?token="+canary, o)
	d.Close() // a session that was got dials on until then
	m.wg.Wait()
	for _, to := range m.to {
		require.Equal(t, "server:80", to)
	}
	if err != nil {
		var op *OpError
		require.ErrorAs(t, err, &op)
		require.NotContains(t, err.Error(), canary)
		require.Less(t, len(err.Error()), 1000)
	}
	return err
}

var pipes = map[bool]fallback.Mode{false: fallback.LongPollingOnly, true: fallback.WebSocketOnly}

// FuzzServer has a server say any bytes to the whole session, on a WebSocket that
// is open or in the place of an HTTP answer: Dial ends, with an error of ours or
// none, and goes nowhere else.
func FuzzServer(f *testing.F) {
	answers, messages := attacks.Batches()
	for _, b := range append(attacks.Answers(), answers...) {
		f.Add(false, b)
	}
	for _, b := range append(attacks.Frames(), messages...) {
		f.Add(true, b)
	}
	f.Fuzz(func(t *testing.T, socket bool, said []byte) {
		m := &mouth{say: func(r *http.Request) []byte {
			if socket {
				return append([]byte(testnet.Switching(r, "")), said...)
			}
			return said
		}}
		_ = m.meets(t, pipes[socket], nil)
	})
}

// FuzzRedirect has both pipes sent elsewhere: nobody goes there.
func FuzzRedirect(f *testing.F) {
	for _, code := range []int{301, 302, 303, 307, 308, 300, 304, 201} {
		for _, to := range []string{"http://other/", "https://server/", "//other", "/x", "http://server:81/", "ws://server/", "http://server@other/", `/\server`, ""} {
			f.Add(true, code, to)
			f.Add(false, code, to)
		}
	}
	f.Fuzz(func(t *testing.T, socket bool, code int, to string) {
		m := &mouth{say: func(*http.Request) []byte {
			return fmt.Appendf(nil, "HTTP/1.1 %03d x\r\nLocation: %s\r\nContent-Length: 0\r\n\r\n", code, to)
		}}
		require.Error(t, m.meets(t, pipes[socket], nil))
		require.LessOrEqual(t, len(m.to), 1)
	})
}

// FuzzHeader gives any header to a session: no line of it becomes another one,
// and an error does not quote it.
func FuzzHeader(f *testing.F) {
	for _, s := range [][2]string{{"X-A", "v"}, {"X-A", "v\r\nX-Injected: 1"}, {"X-A\r\nX-Injected: 1", "v"}, {"X-A", "v\nX-Injected: 1\n\n"}, {"Host", "a\r\nX-Injected: 1"},
		{"Cookie", "a\rX-Injected: 1"}, {"Sec-WebSocket-Protocol", "a\r\nX-Injected: 1"}, {"X A", "v"}, {"", ""}, {"X-A", "\x00\xff"}, {"Content-Length", "5"}, {"Transfer-Encoding", "chunked"}} {
		f.Add(true, s[0], s[1])
		f.Add(false, s[0], s[1])
	}
	f.Fuzz(func(t *testing.T, socket bool, name, value string) {
		m := &mouth{say: func(*http.Request) []byte { return []byte("HTTP/1.1 400 x\r\nContent-Length: 0\r\n\r\n") }}
		require.Error(t, m.meets(t, pipes[socket], &Options{Header: http.Header{name: {value, canary}}}))
		require.True(t, len(m.to) == 0 || !strings.ContainsAny(name+value, "\r\n\x00"))
		for _, head := range m.heads {
			lines, _, _ := strings.Cut(head, "\r\n\r\n")
			require.LessOrEqual(t, strings.Count(lines, "\r\n"), 12, "lines of %q", head)
			for line := range strings.Lines(lines) {
				injected := strings.HasPrefix(strings.ToLower(line), "x-injected")
				require.True(t, !injected || strings.EqualFold(name, "x-injected"), "%q", head)
				require.NotContains(t, strings.TrimSuffix(line, "\r\n"), "\r")
			}
		}
	})
}

// FuzzAddress: no error about an address quotes it, and one that is taken leads
// to its own host.
func FuzzAddress(f *testing.F) {
	for _, s := range [][2]string{{"http://" + canary + "/", ""}, {"ws://u:" + canary + "@h/?q", "wss://h"}, {canary, "ftp://" + canary}, {"http://h\r\n/", ""}, {"http://[::1]:80/", ""}, {"http:///x", ""}, {"://", "%zz"}} {
		f.Add(s[0], s[1])
	}
	f.Fuzz(func(t *testing.T, address, socket string) {
		target, err := parseTarget(address, socket)
		if err != nil {
			require.Nil(t, target)
			require.Less(t, len(err.Error()), 120)
			return
		}
		require.Contains(t, []string{"http", "https"}, target.URL.Scheme)
		require.Contains(t, []string{"ws", "wss"}, target.Socket().Scheme)
		require.NotEmpty(t, target.URL.Host)
		require.NotEmpty(t, target.Socket().Host)
		require.NotContains(t, target.URL.Host+target.Socket().Host, "\n")
	})
}

// FuzzErrors: no type of error that a user gets tells what a server, or the user
// himself, has put into addresses, bodies and headers.
func FuzzErrors(f *testing.F) {
	for _, s := range []string{"", "a", "402::x", "\r\n", "{}", "%s%v", "\x00"} {
		f.Add(s, true)
		f.Add(s, false)
	}
	f.Fuzz(func(t *testing.T, s string, socket bool) {
		if strings.ContainsAny(s, "\r\n") || len(s) > 1000 {
			return
		}
		secret := canary + s
		m := &mouth{say: func(r *http.Request) []byte {
			head := "HTTP/1.1 200 " + secret + "\r\nContent-Type: " + secret + "\r\nX: " + secret + "\r\n\r\n" + secret
			if socket {
				head = testnet.Switching(r, "") + "\x81" + string([]byte{byte(min(len(secret), 125))}) + secret
			}
			return []byte(head)
		}}
		err := m.meets(t, pipes[socket], &Options{Ext: map[string]string{"token": secret}})
		require.Error(t, err)
		for ; err != nil; err = errors.Unwrap(err) {
			require.NotContains(t, fmt.Sprintf("%v %+v", err, err), canary)
		}
	})
}

// FuzzReplies has a session hear any reply to its handshake and then to its
// connect, without a pipe: pauses are within what a server may ask for, an
// acknowledged number only grows, and a session is there only if it was granted.
func FuzzReplies(f *testing.F) {
	granted := `{"channel":"/meta/handshake","id":"1","clientId":"c1","successful":true%s}`
	for _, more := range []string{``, `,"ext":{"ack":true}`, `,"ext":{"ack":{"enabled":true,"batch":7}}`, `,"ext":{"ack":1e400}`, `,"supportedConnectionTypes":["x"]`, `,"advice":{"reconnect":"none"}`} {
		for _, advice := range []string{`{}`, `{"interval":1e308,"timeout":-1}`, `{"reconnect":"none"}`, `{"reconnect":"handshake","interval":-1}`, `{"long-polling":{"interval":"99999999999"}}`} {
			for _, ack := range []string{`1`, `-1`, `9223372036854775808`, `"7"`, `{}`, `1e400`} {
				f.Add([]byte(fmt.Sprintf(granted, more)), []byte(`[{"channel":"/a","data":1},{"channel":"/meta/connect","id":"2","successful":true,"advice":`+advice+`,"ext":{"ack":`+ack+`}}]`))
			}
		}
	}
	f.Add([]byte(`{"channel":"/meta/handshake","id":"1","successful":true,"advice":{"reconnect":"none"}}`), []byte(`[]`))
	for _, b := range attacks.Bodies() {
		f.Add([]byte(fmt.Sprintf(granted, "")), b)
	}
	f.Fuzz(func(t *testing.T, first, second []byte) {
		p := &pipe{cuts: map[transport.LegID]error{}}
		d := &Dialer{Open: func(_ *transport.SessionConfig, h transport.Handler) transport.Transport { p.h = h; return p }}
		defer d.Close()
		c, err := d.newClient("http://server/", &Options{KeepDialing: true})
		require.NoError(t, err)
		require.NoError(t, d.enlist(c))
		defer c.Close()
		c.step(func(fx *effects) { c.renewSession(fx, nil) })
		l := exchange()
		require.NotEmpty(t, p.h.Next(transport.LaneCommands, l))
		hears(c, l, first)
		if c.sessions == 0 { // it was not granted, and may have ended the client
			require.Empty(t, c.clientID)
		} else {
			require.True(t, c.clientID != "" || c.err != nil || c.sessions > 1)
		}
		require.LessOrEqual(t, len(c.clientID), maxClientIDBytes)
		l = exchange()
		c.step(func(*effects) { c.connect.ready = c.clientID != "" })
		p.h.Next(transport.LaneConnect, l)
		batch := c.batch
		hears(c, l, second)
		require.GreaterOrEqual(t, c.batch, batch)
		latest := mono.Now().Add(maxAdvisedPause + maxPause)
		for _, at := range []mono.Time{c.backoff.pauseUntil, c.connect.dueAt} {
			require.True(t, at.Before(latest), "%v", at)
		}
	})
}

// hears hands up what a server said on a leg, if it is Bayeux.
func hears(c *Client, l transport.Leg, b []byte) {
	if ms, err := wire.Decode(b, bayeux.Limits{}); err == nil {
		handler{c}.Receive(l.ID, ms)
	}
	handler{c}.End(l.ID, nil)
}

// FuzzAck: an acknowledgement is a whole number of 64 bits, or none.
func FuzzAck(f *testing.F) {
	for _, s := range []string{`{"ack":1}`, `{"ack":-1}`, `{"ack":1.5}`, `{"ack":"1"}`, `{"ack":{"enabled":true,"batch":3}}`, `{"ack":true}`, `{"ACK":1}`, `{"ack":9223372036854775808}`, `[]`, ``} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, ext []byte) {
		n, ok := ackOf(ext)
		if again, same := ackOf(ackExt(n)); ok {
			require.True(t, same)
			require.Equal(t, n, again)
		} else {
			require.Zero(t, min(n, 0)*max(n, 0))
		}
		offered, batch := ackOffered(ext)
		require.True(t, offered || batch == 0 || bytes.Contains(ext, []byte("batch")) || bytes.Contains(ext, []byte(`\u`)))
	})
}

// FuzzJar: whatever is set and how often, what a session keeps stays within its
// bounds, and nothing of it goes to another host.
func FuzzJar(f *testing.F) {
	for _, s := range []string{"a=b", "a=b; Path=/x", "a=b; Domain=server.example", "a=b; Domain=example", "a=b; Domain=other.example", "a=\"b\"; Max-Age=0", "a=b; Expires=x", "=", "a={\"\\", "a=b\r\nc"} {
		f.Add(s, uint8(200))
	}
	f.Fuzz(func(t *testing.T, line string, times uint8) {
		j := newJar()
		at, other := mustParse("http://server.example/cometd"), mustParse("http://other.test/cometd")
		for n := range times {
			set := wire.ResponseCookies(http.Header{"Set-Cookie": {line, fmt.Sprintf("n%d%s", n, line)}})
			j.SetCookies(at, set)
		}
		require.LessOrEqual(t, len(j.kept), maxCookies)
		require.LessOrEqual(t, j.bytes, maxCookieBytes)
		require.LessOrEqual(t, len(j.Cookies(at)), maxCookies)
		require.Empty(t, j.Cookies(other))
		h := http.Header{}
		wire.AddCookies(h, j.Cookies(at))
		require.NotContains(t, h.Get("Cookie"), "\r")
		require.NotContains(t, h.Get("Cookie"), "\n")
	})
}

func mustParse(s string) *url.URL {
	u, err := url.Parse(s)
	if err != nil {
		panic(err)
	}
	return u
}
