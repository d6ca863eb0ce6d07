package transport

import (
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"math"
	"net"
	"net/http"
	"net/url"
	"sync/atomic"
	"time"

	"github.com/turold/turold/bayeux"
)

// ErrClosed is the cause in the End of legs that Close cut.
var ErrClosed = errors.New("transport: closed")

// A Network is what all sessions of one Dialer share: how connections are
// opened, and what bounds what comes over them. The zero value is ready. It is
// not changed after its first use, and is safe for concurrent use then.
type Network struct {
	// TLS configures every TLS connection to a server, on each pipe alike; nil
	// is Go's default. It is cloned, never changed.
	TLS *tls.Config
	// Proxy chooses the proxy for a request, as in http.Transport: the schemes
	// http, https, socks5 and socks5h, with credentials in the URL's user part.
	// It is asked with the http or https form of the address on every pipe. Nil
	// is http.ProxyFromEnvironment; a func that returns nil means no proxy.
	Proxy func(*http.Request) (*url.URL, error)
	// DialContext opens the TCP connection to the server, or to the proxy if
	// there is one. Nil is a net.Dialer that finds dead connections (Dial).
	DialContext func(ctx context.Context, network, addr string) (net.Conn, error)
	// Silence is how long a dead connection may pass for one on which there is
	// nothing to say: a WebSocket is pinged after two thirds of it and has the rest to
	// answer, HTTP/2 as well, and Dial tells the system, in as many seconds as that
	// can be told. 0 or less: 15 s; at least 1 s.
	Silence time.Duration
	// Limits bound what a server may send; zero fields take their defaults.
	Limits Limits
	// RoundTripper carries HTTP exchanges; nil: every long-polling pipe makes a
	// pool of connections of its own by these settings. It must not retry
	// and must not follow redirects.
	RoundTripper http.RoundTripper

	socketTLS atomic.Pointer[socketTLS] // that was asked for last
}

// Suspect is told that a connection was dead and nobody had said so. Others to
// the same server have the same way, so those that lie ready for HTTP are dropped
// before a request waits in vain on one. It sends nothing and waits for nobody.
// Without a RoundTripper that can do it, nothing happens.
func (n *Network) Suspect() {
	if pool, ok := n.RoundTripper.(interface{ CloseIdleConnections() }); ok {
		pool.CloseIdleConnections()
	}
}

// Limits bound what is taken from a server. Zero fields take their defaults;
// math.MaxInt is no limit.
type Limits struct {
	bayeux.Limits     // of one WebSocket message or body, after inflation. A WebSocket message of more bytes is passed over, and told as a gap
	Header        int // bytes of an HTTP response's header, the upgrade's included; default 64 KiB
	// Unacknowledged is how many bytes the events of a session may take, some 170 for
	// each beside its own, that wait for the reply which acknowledges them; default 64
	// times Bytes. A server sends a
	// whole backlog before that reply: what is beyond it is lost with the session,
	// which begins anew, and that is told. As much is read past of a WebSocket message
	// beyond Bytes, at most: one that is longer still ends the WebSocket.
	Unacknowledged int
}

// WithDefaults returns l with each zero field replaced by its default.
func (l Limits) WithDefaults() Limits {
	l.Limits = l.Limits.WithDefaults()
	if l.Header == 0 {
		l.Header = 64 << 10
	}
	if l.Unacknowledged == 0 {
		l.Unacknowledged = 64 * min(l.Bytes, math.MaxInt/64)
	}
	return l
}

// A Session is what the pipes of one session share, and no other session
// does. Make one with NewSession; the fields are not changed after the
// Transport was opened.
type Session struct {
	Network *Network       // not nil
	Jar     http.CookieJar // one session's own: a CometD server ties the session to a cookie. Nil: no cookies
	Logger  *slog.Logger   // not nil
	target  atomic.Pointer[Target]
}

// A Target is where legs opened from now on go, and what they carry in their
// headers. It is not changed once it was set.
type Target struct {
	URL       *url.URL    // http or https, for long-polling
	SocketURL *url.URL    // ws or wss; nil: URL with the scheme changed
	Header    http.Header // for every request of either pipe, the upgrade included
}

// NewSession returns a Session on n. A nil n is a new zero Network, a nil
// logger discards.
func NewSession(n *Network, t *Target) *Session {
	if n == nil {
		n = new(Network)
	}
	s := &Session{Network: n, Logger: slog.New(slog.DiscardHandler)}
	s.SetTarget(t)
	return s
}

// Target is where a new leg goes. Safe for concurrent use.
func (s *Session) Target() *Target { return s.target.Load() }

// SetTarget changes where new legs go; legs that are out are not touched.
// Safe for concurrent use.
func (s *Session) SetTarget(t *Target) { s.target.Store(t) }

// Socket returns the address of the WebSocket: SocketURL, or URL with ws for
// http and wss for https.
func (t *Target) Socket() *url.URL {
	if t.SocketURL != nil {
		return t.SocketURL
	}
	u := *t.URL
	switch u.Scheme {
	case "http":
		u.Scheme = "ws"
	case "https":
		u.Scheme = "wss"
	}
	return &u
}
