package websocket

import (
	"context"
	"net"
	"net/http"
	"net/url"

	"github.com/turold/turold/internal/wire"
	"github.com/turold/turold/transport"
)

// tunnelAndTLS returns the connection on which the upgrade is asked for: c, the tunnel
// of a proxy over it if there is one, and TLS over that for wss.
func (k *socket) tunnelAndTLS(ctx context.Context, c net.Conn, via, u *url.URL) (net.Conn, *transport.Error) {
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
	c, err := k.startTLS(ctx, c, u.Hostname())
	if err != nil {
		return nil, &transport.Error{Op: "tls", Err: unwrapped(err)}
	}
	return c, nil
}

// chooseProxy returns the proxy to go through, nil for none.
func (k *socket) chooseProxy(ctx context.Context, u *url.URL) (*url.URL, *transport.Error) {
	web := httpURL(u)
	r := (&http.Request{Method: http.MethodGet, URL: web, Host: web.Host, Header: http.Header{}}).WithContext(ctx)
	via, err := wire.ProxyFor(k.p.config.Shared.Proxy, r)
	if err != nil {
		return nil, &transport.Error{Op: "proxy", Err: err}
	}
	return via, nil
}

// dialTCP opens the TCP connection, to the proxy if there is one, and keeps it so that
// Cut can close it.
func (k *socket) dialTCP(ctx context.Context, via, u *url.URL) *transport.Error {
	op, to := "dial", u
	if via != nil {
		op, to = "proxy", via
	}
	c, err := k.p.config.Shared.Dial(ctx, "tcp", wire.Address(to))
	if err != nil {
		return &transport.Error{Op: op, Err: err}
	}
	k.p.mu.Lock()
	defer k.p.mu.Unlock()
	k.raw = &rawConn{Conn: c}
	return nil
}
