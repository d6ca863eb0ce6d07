package longpoll

import (
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/turold/turold/internal/wire"
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
// take every session's requests in turn, it is pinged when it is silent. A nil n is a zero SharedConfig; n's
// own RoundTripper is not looked at.
func NewRoundTripper(n *transport.SharedConfig) *http.Transport {
	if n == nil {
		n = new(transport.SharedConfig)
	}
	silence := n.LongestSilence()
	return &http.Transport{
		Proxy:                  router(n),
		DialContext:            dialer(n),
		DialTLSContext:         securer(n),
		TLSClientConfig:        n.TLS.Clone(),
		TLSHandshakeTimeout:    tlsTime,
		MaxIdleConnsPerHost:    idleConns,
		IdleConnTimeout:        idleTime,
		MaxResponseHeaderBytes: int64(min(n.Limits.WithDefaults().Header, mostHeader)),
		ReadBufferSize:         shortReads,
		WriteBufferSize:        bufferSize,
		ForceAttemptHTTP2:      true,
		HTTP2:                  &http.HTTP2Config{SendPingTimeout: silence - silence/3, PingTimeout: silence / 3},
	}
}

// dialer opens connections for what is not over TLS.
func dialer(n *transport.SharedConfig) func(context.Context, string, string) (net.Conn, error) {
	return func(ctx context.Context, network, addr string) (net.Conn, error) {
		c, err := dial(ctx, n, network, addr)
		if err != nil || traceOf(ctx) == nil {
			return c, err
		}
		return newQuiet(c), nil
	}
}

// dial bounds the dial and, by a deadline on the connection that is lifted
// when a pipe's request gets it, everything up to there: net/http does not bound
// a SOCKS proxy that falls silent, and goes on with it when the request is gone.
func dial(ctx context.Context, n *transport.SharedConfig, network, addr string) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, dialTime)
	defer cancel()
	c, err := n.Dial(ctx, network, addr)
	if err != nil {
		return nil, err
	}
	if traceOf(ctx) != nil {
		_ = c.SetDeadline(time.Now().Add(setupTime))
	}
	return &counted{Conn: c}, nil
}

// securer opens connections for what is over TLS, be it to the server, by the
// proxy's tunnel if there is one, or to a proxy. Those for HTTP/2 are net/http's
// own kind: it asks for that.
func securer(n *transport.SharedConfig) func(context.Context, string, string) (net.Conn, error) {
	config := n.TLS.Clone()
	if config == nil {
		config = new(tls.Config)
	}
	for _, name := range []string{"http/1.1", "h2"} {
		if !slices.Contains(config.NextProtos, name) {
			config.NextProtos = append([]string{name}, config.NextProtos...)
		}
	}
	return func(ctx context.Context, network, addr string) (net.Conn, error) {
		t := traceOf(ctx)
		if t == nil {
			t = new(trace)
		}
		to := addr
		tunnel := t.tunnel.Load()
		if tunnel != nil {
			to = wire.Address(tunnel)
		}
		c, err := dial(ctx, n, network, to)
		if err != nil {
			return nil, err
		}
		own, err := t.secure(ctx, n, c, tunnel, addr, config)
		if err != nil {
			_ = c.Close()
			return nil, err
		}
		if traceOf(ctx) == nil || isHTTP2(own) {
			return own, nil
		}
		return newQuiet(own), nil
	}
}

// secure goes on from a connection, to the proxy if there is a tunnel to make, to TLS with addr.
func (t *trace) secure(ctx context.Context, n *transport.SharedConfig, c net.Conn, tunnel *url.URL, addr string, config *tls.Config) (net.Conn, error) {
	if tunnel != nil {
		way := wire.Tunnel{
			Proxy:  tunnel,
			TLS:    func(host string) *tls.Config { return wire.SocketTLS(n, host) },
			Header: n.Limits.WithDefaults().Header,
		}
		through, status, err := way.Open(ctx, c, addr)
		if err != nil {
			return nil, &proxyError{status: status, err: err}
		}
		t.tunnelled.Store(true)
		c = through
	}
	if config.ServerName == "" {
		host, _, err := net.SplitHostPort(addr)
		if err != nil {
			return nil, err
		}
		config = config.Clone()
		config.ServerName = host
	}
	ctx, cancel := context.WithTimeout(ctx, tlsTime)
	defer cancel()
	t.securing.Store(true)
	own := tls.Client(c, config)
	if err := own.HandshakeContext(ctx); err != nil {
		return nil, err
	}
	t.securing.Store(false)
	return own, nil
}

// router tells a request's trace which way it goes. A tunnel to a server over TLS
// is ours to make, see securer.
func router(n *transport.SharedConfig) func(*http.Request) (*url.URL, error) {
	return func(r *http.Request) (*url.URL, error) {
		u, err := wire.ProxyFor(n.Proxy, r)
		if err != nil {
			return nil, &proxyError{err: err}
		}
		t := traceOf(r.Context())
		if t == nil {
			return u, nil
		}
		t.routed(u)
		if r.URL.Scheme == "https" {
			t.tunnel.Store(u)
			return nil, nil
		}
		return u, nil
	}
}
