package wire

import (
	"encoding/base64"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/turold/turold/bayeux"
)

// BasicAuth returns the value of an Authorization header for the user part of a
// URL (RFC 7617).
func BasicAuth(u *url.Userinfo) string {
	password, _ := u.Password()
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(u.Username()+":"+password))
}

// RetryAfter reads the pause that the server asks for (RFC 9110 section 10.2.3):
// seconds, or a date, which is compared with the Date of the same answer if it has
// one, and with now otherwise. The pause is between 0 and bayeux.MaxAdvised.
func RetryAfter(h http.Header, now time.Time) time.Duration {
	v := strings.TrimSpace(h.Get("Retry-After"))
	if n, err := strconv.ParseUint(v, 10, 64); err == nil || errors.Is(err, strconv.ErrRange) {
		return time.Duration(min(n, uint64(bayeux.MaxAdvised/time.Second))) * time.Second
	}
	at, err := http.ParseTime(v)
	if err != nil {
		return 0
	}
	if date, err := http.ParseTime(h.Get("Date")); err == nil {
		now = date
	}
	return min(max(at.Sub(now), 0), bayeux.MaxAdvised)
}
