package websocket

import (
	"context"
	"net"
	"net/http"
	"net/url"

	"github.com/turold/turold/internal/wire"
	"github.com/turold/turold/transport"
)

// reach goes on from the TCP connection to what the upgrade is asked for on:
// through the tunnel of a proxy if there is one, and TLS.
func (k *socket) reach(ctx context.Context, c net.Conn, via, u *url.URL) (net.Conn, *transport.Error) {
	if via != nil {
		tunnel := wire.Tunnel{Proxy: via, TLS: k.tlsFor, Header: k.p.limits.Header}
		through, status, err := tunnel.Open(ctx, c, wire.Address(u))
		if err != nil {
			return nil, &transport.Error{Op: "proxy", Status: status, Err: err}
		}
		c = through
	}
	if u.Scheme != "wss" {
		return c, nil
	}
	c, err := k.secure(ctx, c, u.Hostname())
	if err != nil {
		return nil, &transport.Error{Op: "tls", Err: unwrapped(err)}
	}
	return c, nil
}

// route asks which proxy to go by.
func (k *socket) route(ctx context.Context, u *url.URL) (*url.URL, *transport.Error) {
	web := webURL(u)
	r := (&http.Request{Method: http.MethodGet, URL: web, Host: web.Host, Header: http.Header{}}).WithContext(ctx)
	via, err := wire.ProxyFor(k.p.s.Shared.Proxy, r)
	if err != nil {
		return nil, &transport.Error{Op: "proxy", Err: err}
	}
	return via, nil
}

// dialRaw opens the TCP connection, to the proxy if there is one, and keeps it
// for Cut to close.
func (k *socket) dialRaw(ctx context.Context, via, u *url.URL) *transport.Error {
	op, to := "dial", u
	if via != nil {
		op, to = "proxy", via
	}
	c, err := k.p.s.Shared.Dial(ctx, "tcp", wire.Address(to))
	if err != nil {
		return &transport.Error{Op: op, Err: err}
	}
	k.p.mu.Lock()
	defer k.p.mu.Unlock()
	k.bottom = &bottom{Conn: c}
	return nil
}
