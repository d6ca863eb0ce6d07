package wire

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"

	"golang.org/x/net/proxy"
)

var errProxySentMore = errors.New("the proxy sent more than its answer")

// ProxyFor returns the proxy for a request, nil for none: what choose says, or the
// environment if choose is nil. The error of choose may quote the URL of a proxy with
// its credentials, so ErrProxyAddress stands in its place.
func ProxyFor(choose func(*http.Request) (*url.URL, error), r *http.Request) (*url.URL, error) {
	if choose == nil {
		choose = http.ProxyFromEnvironment
	}
	u, err := choose(r)
	if err != nil {
		return nil, ErrProxyAddress
	}
	return u, nil
}

// A Tunnel leads to a server through a proxy.
type Tunnel struct {
	Proxy  *url.URL                      // with the scheme http, https, socks5 or socks5h
	TLS    func(host string) *tls.Config // for the connection to an https proxy
	Header int                           // bytes that the header of the proxy's answer may have
}

// Open asks the proxy to connect to addr, over c, which is a connection to it, and
// returns the connection that leads to addr. status is that of the proxy's refusal;
// 0: there was none.
func (t Tunnel) Open(ctx context.Context, c net.Conn, addr string) (through net.Conn, status int, err error) {
	// Not all that follows looks at the context.
	stop := context.AfterFunc(ctx, func() { _ = c.Close() })
	defer stop()
	switch t.Proxy.Scheme {
	case "http":
		status, err = t.connect(c, addr)
		return c, status, err
	case "https":
		secured := tls.Client(c, t.TLS(t.Proxy.Hostname()))
		if err := secured.HandshakeContext(ctx); err != nil {
			return nil, 0, err
		}
		status, err = t.connect(secured, addr)
		return secured, status, err
	case "socks5", "socks5h":
		through, err = t.socks(ctx, c, addr)
		return through, 0, err
	}
	return nil, 0, ErrProxyAddress
}

// connect sends a CONNECT (RFC 9110 section 9.3.6) and reads the answer, within bounds.
func (t Tunnel) connect(c net.Conn, addr string) (status int, err error) {
	r := &http.Request{Method: http.MethodConnect, URL: &url.URL{Opaque: addr}, Host: addr, Header: http.Header{}}
	if t.Proxy.User != nil {
		r.Header.Set("Proxy-Authorization", BasicAuth(t.Proxy.User))
	}
	if err := r.Write(c); err != nil {
		return 0, err
	}
	bounded := &io.LimitedReader{R: c, N: int64(t.Header)}
	in := bufio.NewReader(bounded)
	res, err := http.ReadResponse(in, r)
	switch {
	case err != nil && bounded.N <= 0:
		return 0, ErrHeaderTooLarge
	case IsConnError(err):
		return 0, err
	case err != nil:
		return 0, ErrNotHTTP // net/http quotes what came instead
	case res.StatusCode != http.StatusOK:
		return res.StatusCode, StatusError(res.StatusCode)
	case in.Buffered() > 0:
		return 0, errProxySentMore
	}
	return 0, nil
}

// socks speaks SOCKS5 (RFC 1928) on c; the proxy looks the name up.
func (t Tunnel) socks(ctx context.Context, c net.Conn, addr string) (net.Conn, error) {
	var auth *proxy.Auth
	if user := t.Proxy.User; user != nil {
		password, _ := user.Password()
		auth = &proxy.Auth{User: user.Username(), Password: password}
	}
	d, err := proxy.SOCKS5("tcp", t.Proxy.Host, auth, openConn{c})
	if err != nil {
		return nil, err
	}
	return d.(proxy.ContextDialer).DialContext(ctx, "tcp", addr)
}

// An openConn is a dialler whose connection is open already.
type openConn struct{ c net.Conn }

func (d openConn) Dial(string, string) (net.Conn, error) { return d.c, nil }

func (d openConn) DialContext(context.Context, string, string) (net.Conn, error) { return d.c, nil }
