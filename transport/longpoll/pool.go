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
	dialTimeout  = 10 * time.Second // name lookup and TCP
	tlsTimeout   = 10 * time.Second
	setupTimeout = 30 * time.Second // from the TCP connection to the first request: proxies and TLS
	idleTimeout  = 60 * time.Second
	// bufferSize is enough for what an idle session exchanges, in bytes. Longer bodies
	// bypass the buffers, and thousands of connections that wait hold little memory.
	bufferSize       = 1 << 10
	maxHeader        = 1 << 30 // bytes: net/http computes with it
	idleConnsPerHost = 2       // one for each lane of one session, enough for the other sessions to fall back one by one
)

// NewRoundTripper returns a pool of HTTP connections by these settings, for their
// RoundTripper: a Dialer shares it between sessions. It keeps at most two
// idle connections a host, for a minute; CloseIdleConnections ends them sooner.
// HTTP/2 is used if a server offers it over TLS. The pool pings an HTTP/2 connection
// that is silent, since a dead one would take the requests of every session in turn.
// A nil shared is a zero SharedConfig; the RoundTripper in shared is ignored.
func NewRoundTripper(shared *transport.SharedConfig) *http.Transport {
	if shared == nil {
		shared = new(transport.SharedConfig)
	}
	silence := shared.LongestSilence()
	return &http.Transport{
		Proxy:                  proxyFunc(shared),
		DialContext:            dialFunc(shared),
		DialTLSContext:         dialTLSFunc(shared),
		TLSClientConfig:        shared.TLS.Clone(),
		TLSHandshakeTimeout:    tlsTimeout,
		MaxIdleConnsPerHost:    idleConnsPerHost,
		IdleConnTimeout:        idleTimeout,
		MaxResponseHeaderBytes: int64(min(shared.Limits.WithDefaults().Header, maxHeader)),
		ReadBufferSize:         readBufferSize,
		WriteBufferSize:        bufferSize,
		ForceAttemptHTTP2:      true,
		HTTP2:                  &http.HTTP2Config{SendPingTimeout: silence - silence/3, PingTimeout: silence / 3},
	}
}

// dialFunc returns the function that opens connections without TLS.
func dialFunc(shared *transport.SharedConfig) func(context.Context, string, string) (net.Conn, error) {
	return func(ctx context.Context, network, addr string) (net.Conn, error) {
		c, err := dial(ctx, shared, network, addr)
		if err != nil || traceOf(ctx) == nil {
			return c, err
		}
		return newQuietConn(c), nil
	}
}

// dial opens a TCP connection within dialTimeout. For a pipe it sets a deadline on the
// connection, which is removed when a request gets it: net/http itself does not bound a
// SOCKS proxy that falls silent, and goes on with it after the request has ended.
func dial(ctx context.Context, shared *transport.SharedConfig, network, addr string) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	c, err := shared.Dial(ctx, network, addr)
	if err != nil {
		return nil, err
	}
	if traceOf(ctx) != nil {
		_ = c.SetDeadline(time.Now().Add(setupTimeout))
	}
	return &countedConn{Conn: c}, nil
}

// dialTLSFunc returns the function that opens connections over TLS: to the server,
// through the tunnel of a proxy if there is one, or to a proxy. Those for HTTP/2 are
// *tls.Conn, which net/http requires.
func dialTLSFunc(shared *transport.SharedConfig) func(context.Context, string, string) (net.Conn, error) {
	config := shared.TLS.Clone()
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
		tunnel := t.tunnelProxy.Load()
		if tunnel != nil {
			to = wire.Address(tunnel)
		}
		c, err := dial(ctx, shared, network, to)
		if err != nil {
			return nil, err
		}
		own, err := t.startTLS(ctx, shared, c, tunnel, addr, config)
		if err != nil {
			_ = c.Close()
			return nil, err
		}
		if traceOf(ctx) == nil || isHTTP2(own) {
			return own, nil
		}
		return newQuietConn(own), nil
	}
}

// startTLS returns TLS with addr over c, or over the tunnel that the proxy opens on c.
func (t *trace) startTLS(ctx context.Context, shared *transport.SharedConfig, c net.Conn, tunnel *url.URL, addr string, config *tls.Config) (net.Conn, error) {
	if tunnel != nil {
		way := wire.Tunnel{
			Proxy:  tunnel,
			TLS:    func(host string) *tls.Config { return wire.SocketTLS(shared, host) },
			Header: shared.Limits.WithDefaults().Header,
		}
		through, status, err := way.Open(ctx, c, addr)
		if err != nil {
			return nil, &proxyError{status: status, err: err}
		}
		t.tunnelOpen.Store(true)
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
	ctx, cancel := context.WithTimeout(ctx, tlsTimeout)
	defer cancel()
	t.inTLSHandshake.Store(true)
	own := tls.Client(c, config)
	if err := own.HandshakeContext(ctx); err != nil {
		return nil, err
	}
	t.inTLSHandshake.Store(false)
	return own, nil
}

// proxyFunc returns the function that chooses the proxy of a request and tells the
// request's trace. To a server over TLS dialTLSFunc makes the tunnel itself, so that
// net/http knows of no proxy.
func proxyFunc(shared *transport.SharedConfig) func(*http.Request) (*url.URL, error) {
	return func(r *http.Request) (*url.URL, error) {
		u, err := wire.ProxyFor(shared.Proxy, r)
		if err != nil {
			return nil, &proxyError{err: err}
		}
		t := traceOf(r.Context())
		if t == nil {
			return u, nil
		}
		t.onRoute(u)
		if r.URL.Scheme == "https" {
			t.tunnelProxy.Store(u)
			return nil, nil
		}
		return u, nil
	}
}
