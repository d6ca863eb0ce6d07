package longpoll

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/textproto"
	"net/url"
	"strings"

	"github.com/turold/turold/bayeux"
	"github.com/turold/turold/transport"
)

var (
	errFinished = errors.New("longpoll: the exchange is over")
	errNotHTTP  = errors.New("the answer is not HTTP")
)

// A proxyError is a proxy's refusal, or why there is no way to one.
type proxyError struct {
	status int // of the answer to CONNECT; 0: none came
	err    error
}

func (e *proxyError) Error() string { return e.err.Error() }

// failure is the Error of a request that got no response.
func (t *trace) failure(err error) *transport.Error {
	e := &transport.Error{
		Op:     t.op(err),
		Unsent: t.unsent(),
		Reused: t.got.Load() && t.reused.Load() && !t.answering.Load(),
		Err:    plain(err),
	}
	var p *proxyError
	switch {
	case errors.As(err, &p):
		e.Status = p.status
	case broken(err), errors.Is(e.Err, bayeux.ErrTooLarge):
	case t.answering.Load(), e.Op == "proxy":
		e.Err = errNotHTTP // net/http quotes what came instead, and that may be anything
	}
	return e
}

// op is what was being done when err came.
func (t *trace) op(err error) string {
	var p *proxyError
	proxy := t.proxy.Load()
	switch {
	case errors.As(err, &p):
		return "proxy"
	case t.wrote.Load(), t.answering.Load():
		return "read"
	case t.got.Load():
		return "write"
	case t.securing.Load() && (proxy == nil || *proxy != "https" || t.tunnelled.Load()):
		return "tls"
	case proxy != nil:
		return "proxy"
	}
	return "dial"
}

// broken reports whether err is about a connection rather than what came on it.
func broken(err error) bool {
	var n net.Error
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.As(err, &n)
}

// plain is err without what must not be told: net/url puts whole URLs into its
// errors, credentials and query included, and net/textproto lines of a header.
func plain(err error) error {
	var u *url.Error
	if errors.As(err, &u) {
		err = u.Err
	}
	var line textproto.ProtocolError
	if errors.As(err, &line) {
		return errNotHTTP
	}
	if strings.Contains(err.Error(), "response header") && strings.Contains(err.Error(), "exceeded") ||
		strings.Contains(err.Error(), "header list larger") {
		return fmt.Errorf("%w: the header of the answer", bayeux.ErrTooLarge)
	}
	return err
}
