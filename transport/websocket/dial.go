package websocket

import (
	"context"
	"crypto/tls"
	"errors"
	"math"
	"net"
	"net/http"
	"net/url"
	"sync"
	"time"

	ws "github.com/gorilla/websocket"

	"github.com/turold/turold/internal/wire"
	"github.com/turold/turold/transport"
)

const (
	writeBufferSize = transport.SocketLimit + 64 // bytes: a batch is one frame. The buffers are pooled, so that an idle socket has none
	refusalBodySize = 1 << 10                    // bytes: gorilla reads as many of the body of a refusal
)

var (
	gorillaBuffers sync.Pool // of gorilla's, one size

	errScheme     = errors.New("invalid WebSocket URL: want ws or wss, and a host")
	errUpgrade    = errors.New("the answer to the upgrade is no valid 101")
	errNotOffered = errors.New("the server chose an extension or a subprotocol that it was not offered")
)

// dial opens a connection, and a WebSocket on it.
func (k *socket) dial(ctx context.Context) (*ws.Conn, *transport.Error) {
	t := k.p.config.Target()
	u := *t.Socket()
	u.User, u.Fragment = nil, ""
	if u.Scheme != "ws" && u.Scheme != "wss" || u.Host == "" {
		return nil, &transport.Error{Op: "dial", Err: errScheme}
	}
	via, e := k.chooseProxy(ctx, &u)
	if e != nil {
		return nil, e
	}
	if e := k.dialTCP(ctx, via, &u); e != nil {
		return nil, e
	}
	// Not all that follows looks at the context: gorilla does not while it waits for
	// the 101.
	stop := context.AfterFunc(ctx, func() { _ = k.raw.Close() })
	defer stop()
	c, e := k.tunnelAndTLS(ctx, k.raw, via, &u)
	if e != nil {
		return nil, e
	}
	conn, e := k.upgrade(ctx, &u, t, c)
	if e != nil {
		return nil, e
	}
	if !stop() {
		return nil, &transport.Error{Op: "upgrade", Err: context.Cause(ctx)}
	}
	return conn, nil
}

// upgrade asks for a WebSocket on a connection (RFC 6455 section 4.1).
func (k *socket) upgrade(ctx context.Context, u *url.URL, t *transport.Target, c net.Conn) (*ws.Conn, *transport.Error) {
	s := k.p.config
	in := &frameConn{Conn: c, raw: k.raw, headerLeft: min(k.p.limits.Header, math.MaxInt-refusalBodySize) + refusalBodySize}
	give := func(context.Context, string, string) (net.Conn, error) { return in, nil }
	d := ws.Dialer{
		NetDialContext: give, NetDialTLSContext: give,
		ReadBufferSize:  1, // as little as gorilla allows
		WriteBufferSize: writeBufferSize, WriteBufferPool: &gorillaBuffers,
	}
	web := httpURL(u)
	h := requestHeader(t)
	if s.Jar != nil {
		wire.AddCookies(h, s.Jar.Cookies(web))
	}
	conn, res, err := d.DialContext(ctx, u.String(), h)
	if res != nil && s.Jar != nil {
		if set := wire.ResponseCookies(res.Header); len(set) > 0 {
			s.Jar.SetCookies(web, set)
		}
	}
	if err != nil {
		return nil, upgradeError(res, in.causeOf(err))
	}
	in.headerLeft, k.frames = -1, in
	if res.Header.Get("Sec-WebSocket-Extensions") != "" || res.Header.Get("Sec-WebSocket-Protocol") != "" {
		return nil, &transport.Error{Op: "upgrade", Status: res.StatusCode, Err: errNotOffered}
	}
	return conn, nil
}

// upgradeError returns the Error of an upgrade that failed.
func upgradeError(res *http.Response, err error) *transport.Error {
	e := &transport.Error{Op: "upgrade"}
	switch {
	case res == nil && isConnError(err):
		e.Err = unwrapped(err)
	case res == nil:
		e.Err = wire.ErrNotHTTP // gorilla and net/http quote what came instead
	case res.StatusCode == http.StatusSwitchingProtocols:
		e.Status, e.Err = res.StatusCode, errUpgrade
	default:
		e.Status, e.Err = res.StatusCode, wire.StatusError(res.StatusCode)
		e.RetryAfter = wire.RetryAfter(res.Header, time.Now())
	}
	return e
}

// httpURL returns the http or https form of a WebSocket's address, by which cookies
// and proxies are chosen.
func httpURL(u *url.URL) *url.URL {
	w := *u
	w.Scheme = "http"
	if u.Scheme == "wss" {
		w.Scheme = "https"
	}
	return &w
}

// requestHeader returns the header of the session, without the fields that belong to
// the connection.
func requestHeader(t *transport.Target) http.Header {
	h := http.Header{}
	for name, values := range t.Header {
		switch name = http.CanonicalHeaderKey(name); name {
		case "Upgrade", "Connection", "Content-Length", "Content-Type", "Transfer-Encoding", "Accept-Encoding",
			"Keep-Alive", "Te", "Trailer", "Proxy-Authorization", "Sec-Websocket-Key", "Sec-Websocket-Version",
			"Sec-Websocket-Extensions", "Sec-Websocket-Protocol":
		default:
			h[name] = values
		}
	}
	user := t.Socket().User
	if user == nil {
		user = t.URL.User
	}
	if user != nil && h.Get("Authorization") == "" {
		h.Set("Authorization", wire.BasicAuth(user))
	}
	return h
}

// startTLS returns TLS over c, after its handshake.
func (k *socket) startTLS(ctx context.Context, c net.Conn, host string) (net.Conn, error) {
	secured := tls.Client(c, k.tlsFor(host))
	if err := secured.HandshakeContext(ctx); err != nil {
		return nil, err
	}
	return secured, nil
}

// tlsFor returns the TLS settings for a server or a proxy at host.
func (k *socket) tlsFor(host string) *tls.Config { return wire.SocketTLS(k.p.config.Shared, host) }
