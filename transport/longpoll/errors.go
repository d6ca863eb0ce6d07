package longpoll

import (
	"errors"
	"net/textproto"
	"net/url"
	"strings"

	"github.com/turold/turold/bayeux"
	"github.com/turold/turold/internal/wire"
	"github.com/turold/turold/transport"
)

var (
	errExchangeOver = errors.New("longpoll: the exchange is over")
	errGoAway       = errors.New("the server closed the HTTP/2 connection (GOAWAY)")
)

// A proxyError is the refusal of a proxy, or the error on the path to it or through it.
type proxyError struct {
	status int // of the answer to CONNECT; 0: none came
	err    error
}

func (e *proxyError) Error() string { return e.err.Error() }

// requestError returns the Error of a request that got no response.
func (t *trace) requestError(err error) *transport.Error {
	untouched := unprocessed(err)
	got := t.connInfo.Load()
	e := &transport.Error{
		Op:        t.failedOp(err),
		Unsent:    t.unsent() || untouched,
		StaleConn: got != nil && got.Reused && !t.answerBegun.Load() || untouched,
		Err:       redact(err),
	}
	var p *proxyError
	switch {
	case errors.As(err, &p):
		e.Status, e.Err = p.status, p.err
	case wire.IsConnError(err), errors.Is(e.Err, bayeux.ErrTooLarge):
	case t.answerBegun.Load(), e.Op == "proxy":
		e.Err = wire.ErrNotHTTP // net/http quotes what came instead, and that may be anything
	}
	return e
}

// failedOp returns the Op of err: what was being done when it came.
func (t *trace) failedOp(err error) string {
	var p *proxyError
	proxy := t.proxy.Load()
	switch {
	case errors.As(err, &p):
		return "proxy"
	case t.requestWritten.Load(), t.answerBegun.Load():
		return "read"
	case t.connInfo.Load() != nil:
		return "write"
	case t.inTLSHandshake.Load() && (proxy == nil || *proxy != "https" || t.tunnelOpen.Load()):
		return "tls"
	case proxy != nil:
		return "proxy"
	}
	return "dial"
}

// unprocessed reports whether an HTTP/2 server said that it has not looked at a
// request: it refused the stream, or went away before it (RFC 9113 sections 6.8 and
// 8.7). net/http has no types for either.
func unprocessed(err error) bool {
	says, ok := strings.CutPrefix(err.Error(), "http2: Transport: cannot retry err [") // elsewhere it may be the server's own words
	return ok && (strings.HasPrefix(says, "stream error: ") && strings.Contains(says, "; REFUSED_STREAM") ||
		strings.HasPrefix(says, "http2: Transport received Server's graceful shutdown GOAWAY]"))
}

// redact returns err without what must not be shown: net/url puts whole URLs into its
// errors, credentials and query included, net/textproto lines of a header, and
// HTTP/2, which has no types to tell them by, names of headers and the text of a
// GOAWAY.
func redact(err error) error {
	var u *url.Error
	if errors.As(err, &u) {
		err = u.Err
	}
	var line textproto.ProtocolError
	if errors.As(err, &line) {
		return wire.ErrNotHTTP
	}
	says := func(what string) bool { return strings.Contains(err.Error(), what) }
	switch {
	case says("response header") && says("exceeded"), says("header list larger"):
		return wire.ErrHeaderTooLarge
	case says("server sent GOAWAY"):
		return errGoAway
	case says("stream error") && says("invalid header field"):
		return wire.ErrNotHTTP
	}
	return err
}
