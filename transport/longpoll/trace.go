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

// A trace records how far a request came. Its hooks run on goroutines of net/http,
// some of them after the request has failed.
type trace struct {
	pooled         atomic.Bool // the RoundTripper is one of NewRoundTripper
	proxy          atomic.Pointer[string]
	tunnelProxy    atomic.Pointer[url.URL] // the proxy that is to connect to the server, if any; stored before the dial, and anew if net/http tries again
	tunnelOpen     atomic.Bool             // the proxy has connected to the server
	inTLSHandshake atomic.Bool             // a TLS handshake has begun and not succeeded
	connInfo       atomic.Pointer[httptrace.GotConnInfo]
	abandoned      atomic.Bool // the connection must deliver nothing more
	conn           atomic.Pointer[countedConn]
	quiet          *quietConn   // the connection, if it is one; net/http orders the hooks that use it
	request        uint64       // the number of the request there
	writesBefore   atomic.Int64 // writes of conn at the time when the request got it
	headerWritten  atomic.Bool  // the header was written, if only into a buffer
	requestWritten atomic.Bool  // the whole request was written
	answerBegun    atomic.Bool  // a byte of the answer was read
}

type traceKey struct{}

// watch returns a context by which net/http tells t what happens.
func (t *trace) watch(ctx context.Context) context.Context {
	ctx = context.WithValue(ctx, traceKey{}, t)
	return httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		TLSHandshakeStart: func() { t.inTLSHandshake.Store(true) },
		TLSHandshakeDone: func(_ tls.ConnectionState, err error) {
			if err == nil {
				t.inTLSHandshake.Store(false)
			}
		},
		GotConn: func(i httptrace.GotConnInfo) {
			if t.pooled.Load() {
				_ = i.Conn.SetDeadline(time.Time{}) // that of the set-up, see dial
			}
			if c := countedConnOf(i.Conn); c != nil {
				t.writesBefore.Store(c.writes.Load())
				t.conn.Store(c)
			}
			if q, ok := i.Conn.(*quietConn); ok {
				t.quiet = q
				t.request = q.startRequest()
			}
			t.connInfo.Store(&i)
			if t.abandoned.Load() || !i.Reused && isHTTP2(i.Conn) {
				wire.DiscardUnsent(i.Conn)
			}
		},
		PutIdleConn: func(err error) { // called by the connection's reader
			if err == nil && t.quiet != nil {
				t.quiet.endRequest(t.request)
			}
		},
		WroteHeaders:         func() { t.headerWritten.Store(true) },
		WroteRequest:         func(i httptrace.WroteRequestInfo) { t.requestWritten.Store(i.Err == nil) },
		GotFirstResponseByte: func() { t.answerBegun.Store(true) },
	})
}

// unsent reports whether nothing of the request that failed left the process: it was
// not written into a buffer, or nothing was written from there.
func (t *trace) unsent() bool {
	c := t.conn.Load()
	return !t.headerWritten.Load() || c != nil && c.writes.Load() == t.writesBefore.Load()
}

// abandon makes the connection discard what it has not delivered when net/http closes
// it, because the request is about to be cancelled.
func (t *trace) abandon() {
	t.abandoned.Store(true)
	if i := t.connInfo.Load(); i != nil {
		wire.DiscardUnsent(i.Conn)
	}
}

// isHTTP2 reports whether c speaks HTTP/2. net/http closes such a connection itself when
// it is silent, with the requests of many sessions on it.
func isHTTP2(c net.Conn) bool {
	secure, ok := c.(*tls.Conn)
	return ok && secure.ConnectionState().NegotiatedProtocol == "h2"
}

// traceOf returns the trace that watches ctx, nil if none does.
func traceOf(ctx context.Context) *trace {
	t, _ := ctx.Value(traceKey{}).(*trace)
	return t
}

// onRoute is called when a pool has chosen the proxy of the request; nil: none.
func (t *trace) onRoute(proxy *url.URL) {
	t.pooled.Store(true)
	if proxy != nil {
		t.proxy.Store(&proxy.Scheme)
	}
}
