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

// post sends a batch and returns the answer. A body that it does not read may
// have ctx cancelled.
func (p *pipe) post(ctx context.Context, cancel context.CancelCauseFunc, t *trace, batch []bayeux.Message) ([]bayeux.Message, *transport.Error) {
	body := bayeux.Append(nil, batch)
	req := p.request(t.watch(ctx), body)
	res, err := p.rt.RoundTrip(req)
	if err != nil {
		e := t.failure(err)
		if e.Op == "write" && len(body) > hidden && ctx.Err() == nil {
			p.lowerLimit(len(body))
		}
		return nil, e
	}
	if set := wire.ResponseCookies(res.Header); len(set) > 0 && p.s.Jar != nil {
		p.s.Jar.SetCookies(req.URL, set)
	}
	if e := refusal(res); e != nil {
		discard(res, cancel)
		if e.Status == http.StatusRequestEntityTooLarge {
			p.lowerLimit(len(body))
			e.TooLarge = wire.IDs(batch)
		}
		return nil, e
	}
	b, err := read(res, p.limits.Bytes)
	if err != nil {
		discard(res, cancel)
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

// request makes the POST of a body to where the session goes now.
func (p *pipe) request(ctx context.Context, body []byte) *http.Request {
	t := p.s.Target()
	u := *t.URL
	u.User = nil
	req := &http.Request{
		Method: http.MethodPost,
		URL:    &u,
		Host:   t.Header.Get("Host"), // empty: the URL's
		Header: header(t),
		// Of a body that net/http knows to be in memory, it makes one write with
		// the header: another would cost as much again.
		Body:          io.NopCloser(bytes.NewReader(body)),
		ContentLength: int64(len(body)),
		// Without GetBody net/http cannot send a body again, whatever it thinks
		// of the request.
	}
	if p.s.Jar != nil {
		wire.AddCookies(req.Header, p.s.Jar.Cookies(&u))
	}
	return req.WithContext(ctx)
}

var (
	sent     = []string{"application/json;charset=UTF-8"}
	accepted = []string{"application/json"}
)

// header is the session's own with what every exchange carries.
func header(t *transport.Target) http.Header {
	h := t.Header.Clone()
	if h == nil {
		h = http.Header{}
	}
	h["Content-Type"] = sent
	if h.Get("Accept") == "" {
		h["Accept"] = accepted
	}
	// net/http inflates what it asked for itself, and only that.
	h.Del("Accept-Encoding")
	if u := t.URL.User; u != nil && h.Get("Authorization") == "" {
		h.Set("Authorization", wire.BasicAuth(u))
	}
	return h
}
