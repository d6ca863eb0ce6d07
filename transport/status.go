package transport

import (
	"errors"
	"net/http"
)

var errUnknownStatus = errors.New("unknown status")

// StatusReason is an HTTP status in the words of RFC 9110 section 15, never in
// the server's own, which may be anything.
func StatusReason(code int) error {
	if text := http.StatusText(code); text != "" {
		return errors.New(text)
	}
	return errUnknownStatus
}
