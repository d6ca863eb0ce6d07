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
	writeBuffer = transport.SocketLimit + 64 // a batch is one frame; pooled, so no socket owns one
	refusedBody = 1 << 10                    // gorilla reads as much of a refusal's body
)

var (
	writeBuffers sync.Pool // of gorilla's, one size

	errScheme  = errors.New("the address is no ws or wss URL")
	errUpgrade = errors.New("the answer to the upgrade is no valid 101")
	errUnasked = errors.New("the server chose an extension or a subprotocol that it was not offered")
)

// dial opens the socket: a connection, and the upgrade on it.
func (k *socket) dial(ctx context.Context) (*ws.Conn, *transport.Error) {
	t := k.p.s.Target()
	u := *t.Socket()
	u.User, u.Fragment = nil, ""
	if u.Scheme != "ws" && u.Scheme != "wss" || u.Host == "" {
		return nil, &transport.Error{Op: "dial", Err: errScheme}
	}
	via, e := k.route(ctx, &u)
	if e != nil {
		return nil, e
	}
	if e := k.dialRaw(ctx, via, &u); e != nil {
		return nil, e
	}
	// What follows does not all look at the context: gorilla does not while it
	// waits for the 101.
	stop := context.AfterFunc(ctx, func() { _ = k.bottom.Close() })
	defer stop()
	c, e := k.reach(ctx, k.bottom, via, &u)
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
	s := k.p.s
	in := &inflow{Conn: c, bottom: k.bottom, left: min(k.p.limits.Header, math.MaxInt-refusedBody) + refusedBody}
	give := func(context.Context, string, string) (net.Conn, error) { return in, nil }
	d := ws.Dialer{
		NetDialContext: give, NetDialTLSContext: give,
		ReadBufferSize:  1, // as little as gorilla allows
		WriteBufferSize: writeBuffer, WriteBufferPool: &writeBuffers,
	}
	web := webURL(u)
	h := header(t)
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
		return nil, refusal(res, in.cause(err))
	}
	in.left, k.in = -1, in
	if res.Header.Get("Sec-WebSocket-Extensions") != "" || res.Header.Get("Sec-WebSocket-Protocol") != "" {
		return nil, &transport.Error{Op: "upgrade", Status: res.StatusCode, Err: errUnasked}
	}
	return conn, nil
}

// refusal is the Error of an upgrade that failed.
func refusal(res *http.Response, err error) *transport.Error {
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

// webURL is the http or https form of a WebSocket's address: cookies and
// proxies go by it.
func webURL(u *url.URL) *url.URL {
	w := *u
	w.Scheme = "http"
	if u.Scheme == "wss" {
		w.Scheme = "https"
	}
	return &w
}

// header is the session's own, without what belongs to the connection.
func header(t *transport.Target) http.Header {
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

// secure speaks TLS to the server, or to a proxy.
func (k *socket) secure(ctx context.Context, c net.Conn, host string) (net.Conn, error) {
	secured := tls.Client(c, k.tlsFor(host))
	if err := secured.HandshakeContext(ctx); err != nil {
		return nil, err
	}
	return secured, nil
}

// tlsFor returns the TLS settings for a server or a proxy at host.
func (k *socket) tlsFor(host string) *tls.Config { return wire.SocketTLS(k.p.s.Shared, host) }
