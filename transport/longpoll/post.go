package longpoll

import (
	"bytes"
	"context"
	"io"
	"net/http"

	"github.com/turold/turold/bayeux"
	"github.com/turold/turold/internal/wire"
	"github.com/turold/turold/transport"
)

// post sends a batch and returns the answer. It may cancel ctx to end a body that it does
// not read.
func (p *pipe) post(ctx context.Context, cancel context.CancelCauseFunc, t *trace, batch []bayeux.Message) ([]bayeux.Message, *transport.Error) {
	body := bayeux.Append(nil, batch)
	req := p.request(t.watch(ctx), body)
	res, err := p.roundTripper.RoundTrip(req)
	if err != nil {
		e := t.requestError(err)
		if e.Op == "write" && len(body) > suspectBody && ctx.Err() == nil {
			p.lowerLimit(len(body))
		}
		return nil, e
	}
	if set := wire.ResponseCookies(res.Header); len(set) > 0 && p.config.Jar != nil {
		p.config.Jar.SetCookies(req.URL, set)
	}
	if e := statusError(res); e != nil {
		discardBody(res, cancel)
		if e.Status == http.StatusRequestEntityTooLarge {
			p.lowerLimit(len(body))
			e.TooLarge = wire.IDs(batch)
		}
		return nil, e
	}
	b, err := readBody(res, p.limits.Bytes)
	if err != nil {
		discardBody(res, cancel)
		return nil, &transport.Error{Op: "read", Status: res.StatusCode, Err: redact(err)}
	}
	_ = res.Body.Close() // it is at its end
	if b, err = inUTF8(b, res.Header.Get("Content-Type"), p.limits.Bytes); err != nil {
		return nil, &transport.Error{Op: "decode", Status: res.StatusCode, Err: err}
	}
	ms, err := wire.Decode(b, p.limits.Limits)
	if err != nil {
		return nil, &transport.Error{Op: "decode", Status: res.StatusCode, Err: err}
	}
	return ms, nil
}

// request returns the POST of a body to the present Target of the session.
func (p *pipe) request(ctx context.Context, body []byte) *http.Request {
	t := p.config.Target()
	u := *t.URL
	u.User = nil
	req := &http.Request{
		Method: http.MethodPost,
		URL:    &u,
		Host:   t.Header.Get("Host"), // empty: the URL's
		Header: requestHeader(t),
		// Of a body that net/http knows to be in memory, it makes one write with
		// the header: another would cost as much again.
		Body:          io.NopCloser(bytes.NewReader(body)),
		ContentLength: int64(len(body)),
		// Without GetBody net/http cannot send a body again, whatever it thinks
		// of the request.
	}
	if p.config.Jar != nil {
		wire.AddCookies(req.Header, p.config.Jar.Cookies(&u))
	}
	return req.WithContext(ctx)
}

var (
	contentTypeHeader = []string{"application/json;charset=UTF-8"}
	acceptHeader      = []string{"application/json"}
)

// requestHeader returns the header of the session, with the fields that every exchange
// carries.
func requestHeader(t *transport.Target) http.Header {
	h := t.Header.Clone()
	if h == nil {
		h = http.Header{}
	}
	h["Content-Type"] = contentTypeHeader
	if h.Get("Accept") == "" {
		h["Accept"] = acceptHeader
	}
	// net/http inflates what it asked for itself, and only that.
	h.Del("Accept-Encoding")
	if u := t.URL.User; u != nil && h.Get("Authorization") == "" {
		h.Set("Authorization", wire.BasicAuth(u))
	}
	return h
}
