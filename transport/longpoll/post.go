package longpoll

import (
	"bytes"
	"context"
	"net/http"
	"sync/atomic"

	"github.com/turold/turold/bayeux"
	"github.com/turold/turold/transport"
)

// post sends a batch and returns the answer.
func (p *pipe) post(ctx context.Context, batch []bayeux.Message) ([]bayeux.Message, *transport.Error) {
	ctx, abort := context.WithCancel(ctx)
	defer abort()
	body := newBody(bayeux.Append(nil, batch))
	var t trace
	req := p.request(t.watch(ctx), body)
	res, err := p.rt.RoundTrip(req)
	if err != nil {
		e := t.failure(err, !body.touched.Load())
		if e.Op == "write" && body.n > hidden && ctx.Err() == nil {
			p.tooLarge(body.n)
		}
		return nil, e
	}
	defer discard(res, abort)
	if set := transport.ResponseCookies(res.Header); len(set) > 0 && p.s.Jar != nil {
		p.s.Jar.SetCookies(req.URL, set)
	}
	if e := refusal(res); e != nil {
		if e.Status == http.StatusRequestEntityTooLarge {
			p.tooLarge(body.n)
			e.Refused = transport.IDs(batch)
		}
		return nil, e
	}
	b, err := read(res, p.limits.Bytes)
	if err != nil {
		return nil, &transport.Error{Op: "read", Status: res.StatusCode, Err: plain(err)}
	}
	ms, err := transport.Decode(b, p.limits.Limits)
	if err != nil {
		return nil, &transport.Error{Op: "decode", Status: res.StatusCode, Err: err}
	}
	return ms, nil
}

// request makes the POST of a body to where the session goes now.
func (p *pipe) request(ctx context.Context, body *body) *http.Request {
	t := p.s.Target()
	u := *t.URL
	u.User = nil
	req := &http.Request{
		Method:        http.MethodPost,
		URL:           &u,
		Host:          t.Header.Get("Host"), // empty: the URL's
		Header:        header(t),
		Body:          body,
		ContentLength: int64(body.n),
		// Without GetBody net/http cannot send a body again, whatever it thinks
		// of the request.
	}
	if p.s.Jar != nil {
		transport.AddCookies(req.Header, p.s.Jar.Cookies(&u))
	}
	return req.WithContext(ctx)
}

// header is the session's own with what every exchange carries.
func header(t *transport.Target) http.Header {
	h := t.Header.Clone()
	if h == nil {
		h = http.Header{}
	}
	h.Set("Content-Type", "application/json;charset=UTF-8")
	if h.Get("Accept") == "" {
		h.Set("Accept", "application/json")
	}
	// net/http inflates what it asked for itself, and only that.
	h.Del("Accept-Encoding")
	if u := t.URL.User; u != nil && h.Get("Authorization") == "" {
		h.Set("Authorization", transport.BasicAuth(u))
	}
	return h
}

// A body is what is sent, and knows whether the connection asked for any of it.
type body struct {
	r       *bytes.Reader
	n       int
	touched atomic.Bool
}

func newBody(b []byte) *body { return &body{r: bytes.NewReader(b), n: len(b)} }

func (b *body) Read(p []byte) (int, error) {
	b.touched.Store(true)
	return b.r.Read(p)
}

func (b *body) Close() error { return nil }
