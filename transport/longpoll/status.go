package longpoll

import (
	"errors"
	"mime"
	"net/http"
	"strings"
	"time"

	"github.com/turold/turold/internal/wire"
	"github.com/turold/turold/transport"
)

var (
	errRedirect    = errors.New("a redirect, which is not followed")
	errContentType = errors.New("a content type that is not JSON")
)

// statusError returns nil if the status and content type are those of an answer. Login and
// error pages come with status 200 too, so the content type must be there: no
// Bayeux server is known that leaves it out, and proxies that take garbage for
// HTTP/0.9 do. JavaScript is what a callback-polling client is sent, never a POST.
func statusError(res *http.Response) *transport.Error {
	e := &transport.Error{Op: "status", Status: res.StatusCode}
	switch code := res.StatusCode; {
	case code == http.StatusOK:
		if isJSON(res.Header.Get("Content-Type")) {
			return nil
		}
		e.Err = errContentType
		return e
	case code == http.StatusProxyAuthRequired:
		e.Op = "proxy"
		e.Err = wire.StatusError(code)
	case code >= 300 && code < 400:
		e.Err = errRedirect
	default:
		e.Err = wire.StatusError(code)
	}
	e.RetryAfter = wire.RetryAfter(res.Header, time.Now())
	return e
}

func isJSON(contentType string) bool {
	t, _, err := mime.ParseMediaType(contentType)
	if err != nil && !errors.Is(err, mime.ErrInvalidMediaParameter) {
		return false
	}
	return t == "application/json" || t == "text/json" ||
		strings.HasPrefix(t, "application/") && strings.HasSuffix(t, "+json")
}
