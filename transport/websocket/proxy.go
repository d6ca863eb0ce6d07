package websocket

import (
	"bufio"
	"context"
	"errors"
	"net"
	"net/http"
	"net/url"

	"golang.org/x/net/proxy"

	"github.com/turold/turold/transport"
)

var (
	errProxyAddress = errors.New("no usable address of a proxy")
	errTalkative    = errors.New("the proxy sent more than its answer")
)

// reach goes on from the TCP connection to what the upgrade is asked for on:
// through the tunnel of a proxy if there is one, and TLS.
func (k *socket) reach(ctx context.Context, c net.Conn, via, u *url.URL) (net.Conn, *transport.Error) {
	if via != nil {
		var e *transport.Error
		if c, e = k.tunnel(ctx, c, via, transport.Address(u)); e != nil {
			return nil, e
		}
	}
	if u.Scheme != "wss" {
		return c, nil
	}
	c, err := k.secure(ctx, c, u.Hostname())
	if err != nil {
		return nil, &transport.Error{Op: "tls", Err: plain(err)}
	}
	return c, nil
}

// route asks which proxy to go by.
func (k *socket) route(ctx context.Context, u *url.URL) (*url.URL, *transport.Error) {
	web := webURL(u)
	r := (&http.Request{Method: http.MethodGet, URL: web, Host: web.Host, Header: http.Header{}}).WithContext(ctx)
	via, err := k.p.s.Network.ProxyFor(r)
	if err != nil { // it may quote the proxy's URL, with its credentials
		return nil, &transport.Error{Op: "proxy", Err: errProxyAddress}
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
	c, err := k.p.s.Network.Dial(ctx, "tcp", transport.Address(to))
	if err != nil {
		return &transport.Error{Op: op, Err: err}
	}
	k.p.mu.Lock()
	defer k.p.mu.Unlock()
	k.bottom = &bottom{Conn: c}
	return nil
}

// tunnel has the proxy connect to addr.
func (k *socket) tunnel(ctx context.Context, c net.Conn, via *url.URL, addr string) (net.Conn, *transport.Error) {
	var status int
	var err error
	switch via.Scheme {
	case "http", "https":
		if via.Scheme == "https" {
			if c, err = k.secure(ctx, c, via.Hostname()); err != nil {
				break
			}
		}
		status, err = k.ask(c, via, addr)
	case "socks5", "socks5h":
		c, err = socks(ctx, c, via, addr)
	default:
		err = errProxyAddress
	}
	if err != nil {
		return nil, &transport.Error{Op: "proxy", Status: status, Err: plain(err)}
	}
	return c, nil
}

// ask sends a CONNECT (RFC 9110 section 9.3.6) and reads a bounded answer.
func (k *socket) ask(c net.Conn, via *url.URL, addr string) (int, error) {
	r := &http.Request{Method: http.MethodConnect, URL: &url.URL{Opaque: addr}, Host: addr, Header: http.Header{}}
	if via.User != nil {
		r.Header.Set("Proxy-Authorization", transport.BasicAuth(via.User))
	}
	if err := r.Write(c); err != nil {
		return 0, err
	}
	in := &inflow{Conn: c, bottom: k.bottom, left: k.p.limits.Header}
	defer in.release()
	res, err := http.ReadResponse(bufio.NewReader(in), r)
	err = in.cause(err)
	switch {
	case err != nil && !broken(err):
		return 0, errNotHTTP
	case err != nil:
		return 0, err
	case res.StatusCode != http.StatusOK:
		return res.StatusCode, transport.StatusReason(res.StatusCode)
	case len(in.rest) > 0:
		return 0, errTalkative
	}
	return 0, nil
}

// socks speaks SOCKS5 (RFC 1928) on c; the proxy looks the name up.
func socks(ctx context.Context, c net.Conn, via *url.URL, addr string) (net.Conn, error) {
	var auth *proxy.Auth
	if via.User != nil {
		password, _ := via.User.Password()
		auth = &proxy.Auth{User: via.User.Username(), Password: password}
	}
	d, err := proxy.SOCKS5("tcp", via.Host, auth, dialled{c})
	if err != nil {
		return nil, err
	}
	return d.(proxy.ContextDialer).DialContext(ctx, "tcp", addr)
}

// dialled is a connection in the place of a dialler.
type dialled struct{ c net.Conn }

func (d dialled) Dial(string, string) (net.Conn, error) { return d.c, nil }

func (d dialled) DialContext(context.Context, string, string) (net.Conn, error) { return d.c, nil }
