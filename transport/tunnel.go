package transport

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"

	"golang.org/x/net/proxy"

	"github.com/turold/turold/bayeux"
)

var (
	errProxyAddress = errors.New("no usable address of a proxy")
	errTalkative    = errors.New("the proxy sent more than its answer")
	errNotHTTP      = errors.New("the answer is not HTTP")
)

// Tunnel has a proxy connect to addr, over a connection to it, and returns what
// the server is reached by. The proxy's scheme is http, https, socks5 or socks5h.
// status is that of a refusal; 0: there is none. The answer's header is bounded by
// Limits.
func (shared *SharedConfig) Tunnel(ctx context.Context, c net.Conn, via *url.URL, addr string) (through net.Conn, status int, err error) {
	// Not all that follows looks at the context.
	stop := context.AfterFunc(ctx, func() { _ = c.Close() })
	defer stop()
	switch via.Scheme {
	case "http":
		status, err = shared.ask(c, via, addr)
		return c, status, err
	case "https":
		secured := tls.Client(c, shared.SocketTLS(via.Hostname()))
		if err := secured.HandshakeContext(ctx); err != nil {
			return nil, 0, err
		}
		status, err = shared.ask(secured, via, addr)
		return secured, status, err
	case "socks5", "socks5h":
		through, err = socks(ctx, c, via, addr)
		return through, 0, err
	}
	return nil, 0, errProxyAddress
}

// ask sends a CONNECT (RFC 9110 section 9.3.6) and reads a bounded answer.
func (shared *SharedConfig) ask(c net.Conn, via *url.URL, addr string) (status int, err error) {
	r := &http.Request{Method: http.MethodConnect, URL: &url.URL{Opaque: addr}, Host: addr, Header: http.Header{}}
	if via.User != nil {
		r.Header.Set("Proxy-Authorization", BasicAuth(via.User))
	}
	if err := r.Write(c); err != nil {
		return 0, err
	}
	in := &io.LimitedReader{R: c, N: int64(shared.Limits.WithDefaults().Header)}
	whole := bufio.NewReader(in)
	res, err := http.ReadResponse(whole, r)
	var broken net.Error
	switch {
	case err != nil && in.N <= 0:
		return 0, fmt.Errorf("%w: the header of the answer", bayeux.ErrTooLarge)
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.ErrClosedPipe), errors.As(err, &broken):
		return 0, err
	case err != nil:
		return 0, errNotHTTP // net/http quotes what came instead
	case res.StatusCode != http.StatusOK:
		return res.StatusCode, StatusReason(res.StatusCode)
	case whole.Buffered() > 0:
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
