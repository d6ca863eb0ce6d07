package longpoll

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/url"
	"time"

	"github.com/turold/turold/transport"
)

const (
	dialTime  = 10 * time.Second // name lookup and TCP
	tlsTime   = 10 * time.Second
	setupTime = 30 * time.Second // from the TCP connection to the first request: proxies and TLS
	idleTime  = 60 * time.Second
	// bufferSize is enough for what an idle session exchanges. Longer bodies go
	// past the buffers, and thousands of connections that wait keep little.
	bufferSize = 1 << 10
	mostHeader = 1 << 30 // that net/http can reckon with
	idleConns  = 2       // a host: one a lane of one session, enough to rescue the others one by one
)

// NewRoundTripper returns a pool of HTTP connections by the settings of n, for
// its RoundTripper: a Dialer shares it between sessions. It keeps at most two
// idle connections a host, for a minute; CloseIdleConnections ends them sooner.
// HTTP/2 is used if a server offers it over TLS; since a dead connection would
// take every session's requests in turn, it is pinged when it is silent. A nil n is a zero Network; n's
// own RoundTripper is not looked at.
func NewRoundTripper(n *transport.Network) *http.Transport {
	if n == nil {
		n = new(transport.Network)
	}
	silence := n.LongestSilence()
	return &http.Transport{
		Proxy:                  router(n),
		OnProxyConnectResponse: tunnel,
		DialContext:            dialer(n.Dial),
		TLSClientConfig:        n.TLS.Clone(),
		TLSHandshakeTimeout:    tlsTime,
		MaxIdleConnsPerHost:    idleConns,
		IdleConnTimeout:        idleTime,
		MaxResponseHeaderBytes: int64(min(n.Limits.WithDefaults().Header, mostHeader)),
		ReadBufferSize:         bufferSize,
		WriteBufferSize:        bufferSize,
		ForceAttemptHTTP2:      true,
		HTTP2:                  &http.HTTP2Config{SendPingTimeout: silence - silence/3, PingTimeout: silence / 3},
	}
}

// dialer bounds the dial and, by a deadline on the connection that is lifted
// when a pipe's request gets it, everything up to there: net/http does not bound
// a SOCKS proxy that falls silent, and goes on with it when the request is gone.
func dialer(dial func(context.Context, string, string) (net.Conn, error)) func(context.Context, string, string) (net.Conn, error) {
	return func(ctx context.Context, network, addr string) (net.Conn, error) {
		ctx, cancel := context.WithTimeout(ctx, dialTime)
		defer cancel()
		c, err := dial(ctx, network, addr)
		if err != nil {
			return nil, err
		}
		if traceOf(ctx) != nil {
			_ = c.SetDeadline(time.Now().Add(setupTime))
		}
		return &counted{Conn: c}, nil
	}
}

// router tells a request's trace which way it goes.
func router(n *transport.Network) func(*http.Request) (*url.URL, error) {
	return func(r *http.Request) (*url.URL, error) {
		u, err := n.ProxyFor(r)
		if err != nil { // it may quote the proxy's URL, with its credentials
			return nil, &proxyError{err: errors.New("no usable address of a proxy")}
		}
		if t := traceOf(r.Context()); t != nil {
			t.routed(u)
		}
		return u, nil
	}
}

// tunnel looks at a proxy's answer to CONNECT.
func tunnel(ctx context.Context, _ *url.URL, _ *http.Request, res *http.Response) error {
	if res.StatusCode != http.StatusOK {
		return &proxyError{status: res.StatusCode, err: transport.StatusReason(res.StatusCode)}
	}
	if t := traceOf(ctx); t != nil {
		t.tunnelled.Store(true)
	}
	return nil
}
