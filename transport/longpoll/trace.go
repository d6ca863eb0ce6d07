package longpoll

import (
	"context"
	"crypto/tls"
	"net"
	"net/http/httptrace"
	"net/url"
	"sync/atomic"
	"time"

	"github.com/turold/turold/internal/wire"
)

// A trace is how far a request came. Its hooks run on goroutines of net/http,
// some of them after the request has failed.
type trace struct {
	pooled    atomic.Bool // by a pool of NewRoundTripper
	proxy     atomic.Pointer[string]
	tunnel    atomic.Pointer[url.URL] // the proxy, if it is to connect to the server; stored before the dial, and anew if net/http tries again
	tunnelled atomic.Bool             // it did
	securing  atomic.Bool             // a TLS handshake has begun and not succeeded
	got       atomic.Pointer[httptrace.GotConnInfo]
	forsaken  atomic.Bool // its connection delivers nothing more
	conn      atomic.Pointer[counted]
	quiet     *quiet       // its connection, if it is one; net/http hands it from hook to hook
	request   uint64       // its name there
	before    atomic.Int64 // writes of conn, when the request got it
	header    atomic.Bool  // was written, if only into a buffer
	wrote     atomic.Bool  // the whole request
	answering atomic.Bool  // a byte of the answer was read
}

type traceKey struct{}

// watch returns a context that tells t what happens.
func (t *trace) watch(ctx context.Context) context.Context {
	ctx = context.WithValue(ctx, traceKey{}, t)
	return httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		TLSHandshakeStart: func() { t.securing.Store(true) },
		TLSHandshakeDone: func(_ tls.ConnectionState, err error) {
			if err == nil {
				t.securing.Store(false)
			}
		},
		GotConn: func(i httptrace.GotConnInfo) {
			if t.pooled.Load() {
				_ = i.Conn.SetDeadline(time.Time{}) // of the set-up, see dialer
			}
			if c := countedOf(i.Conn); c != nil {
				t.before.Store(c.writes.Load())
				t.conn.Store(c)
			}
			if q, ok := i.Conn.(*quiet); ok {
				t.quiet = q
				t.request = q.begins()
			}
			t.got.Store(&i)
			if t.forsaken.Load() || !i.Reused && isHTTP2(i.Conn) {
				wire.DiscardUnsent(i.Conn)
			}
		},
		PutIdleConn: func(err error) { // by the connection's reader
			if err == nil && t.quiet != nil {
				t.quiet.rests(t.request)
			}
		},
		WroteHeaders:         func() { t.header.Store(true) },
		WroteRequest:         func(i httptrace.WroteRequestInfo) { t.wrote.Store(i.Err == nil) },
		GotFirstResponseByte: func() { t.answering.Store(true) },
	})
}

// unsent reports whether nothing of the request that failed left: it was not
// written into a buffer, or nothing was written from there.
func (t *trace) unsent() bool {
	c := t.conn.Load()
	return !t.header.Load() || c != nil && c.writes.Load() == t.before.Load()
}

// forsake has the connection discard what it has not delivered when net/http
// closes it, because the request is about to be cancelled.
func (t *trace) forsake() {
	t.forsaken.Store(true)
	if i := t.got.Load(); i != nil {
		wire.DiscardUnsent(i.Conn)
	}
}

// isHTTP2 tells the connections that net/http closes itself when they are silent,
// with the requests of many sessions on them.
func isHTTP2(c net.Conn) bool {
	secure, ok := c.(*tls.Conn)
	return ok && secure.ConnectionState().NegotiatedProtocol == "h2"
}

// traceOf is the trace that watches ctx, nil if none does.
func traceOf(ctx context.Context) *trace {
	t, _ := ctx.Value(traceKey{}).(*trace)
	return t
}

// routed is told which way a pool sends the request; nil: to the server itself.
func (t *trace) routed(proxy *url.URL) {
	t.pooled.Store(true)
	if proxy != nil {
		t.proxy.Store(&proxy.Scheme)
	}
}
