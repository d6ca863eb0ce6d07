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
	"github.com/turold/turold/internal/wire"
)

// ErrClosed is the cause in the End of legs that Close cut.
var ErrClosed = errors.New("transport: closed")

// A SharedConfig holds the settings that all sessions of one Dialer share: how
// connections are opened, and what bounds what comes over them. The zero value is
// ready. It must not be changed after its first use, and is safe for concurrent use
// from then on.
type SharedConfig struct {
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
	// Silence bounds how long a dead connection goes unnoticed: a WebSocket is pinged
	// after two thirds of it and has the rest to answer, an HTTP/2 connection as well,
	// and Dial sets the keep-alive of the system by it, in whole seconds. 0 or less:
	// 15 s; at least 1 s.
	Silence time.Duration
	// Limits bound what a server may send; zero fields take their defaults.
	Limits Limits
	// RoundTripper carries the HTTP exchanges. It must not retry and must not follow
	// redirects. Nil: every long-polling pipe makes a pool of connections of its own
	// by these settings.
	RoundTripper http.RoundTripper

	socketTLS wire.TLSCache // for the pipes: see wire.SocketTLS
}

// DropIdleConnections closes the idle HTTP connections of the RoundTripper. A pipe
// calls it after a connection was found dead without a word from the network: others
// to the same server took the same path, and a request would wait in vain on one of
// them. It sends nothing and does not block. A RoundTripper without a
// CloseIdleConnections method is left as it is.
func (shared *SharedConfig) DropIdleConnections() {
	if pool, ok := shared.RoundTripper.(interface{ CloseIdleConnections() }); ok {
		pool.CloseIdleConnections()
	}
}

// Limits bound what is taken from a server. Zero fields take their defaults;
// math.MaxInt is no limit.
type Limits struct {
	bayeux.Limits     // of one WebSocket message or body, after inflation. A longer WebSocket message is passed over, with a gap in its place
	Header        int // bytes of an HTTP response's header, the upgrade's included; default 64 KiB
	// Unacknowledged bounds the bytes of a session's events that wait for the reply which
	// acknowledges them, counted with some 170 for each beside its own; default 64 times
	// Bytes. A server sends a whole backlog before that reply: if the backlog is larger,
	// the session is lost and begins anew, with a gap. A WebSocket message beyond Bytes is
	// passed over up to as many bytes: one that is longer still ends the WebSocket.
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

// A SessionConfig holds the settings of one session, for all its pipes. Make one
// with NewSessionConfig; its fields must not be changed after the Transport was
// opened.
type SessionConfig struct {
	Shared *SharedConfig  // not nil
	Jar    http.CookieJar // one session's own: a CometD server ties the session to a cookie. Nil: no cookies
	Logger *slog.Logger   // not nil
	target atomic.Pointer[Target]
}

// A Target says where the legs that are opened from now on go, and what they carry
// in their headers. It must not be changed once it was set.
type Target struct {
	URL       *url.URL    // http or https, for long-polling
	SocketURL *url.URL    // ws or wss; nil: URL with the scheme changed
	Header    http.Header // for every request of either pipe, the upgrade included
}

// NewSessionConfig returns the settings of a session that goes to t, with a Logger
// that discards and no Jar. A nil shared is a new zero SharedConfig.
func NewSessionConfig(shared *SharedConfig, t *Target) *SessionConfig {
	if shared == nil {
		shared = new(SharedConfig)
	}
	s := &SessionConfig{Shared: shared, Logger: slog.New(slog.DiscardHandler)}
	s.SetTarget(t)
	return s
}

// Target returns where a new leg goes. Safe for concurrent use.
func (s *SessionConfig) Target() *Target { return s.target.Load() }

// SetTarget changes where new legs go; legs that are out stay where they are.
// Safe for concurrent use.
func (s *SessionConfig) SetTarget(t *Target) { s.target.Store(t) }

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
