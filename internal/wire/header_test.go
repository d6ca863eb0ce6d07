package wire

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestRetryAfter(t *testing.T) {
	now := time.Date(2030, 1, 2, 3, 4, 5, 0, time.UTC)
	for _, tc := range []struct {
		name, value, date string
		want              time.Duration
	}{
		{"none", "", "", 0},
		{"seconds", "120", "", 2 * time.Minute},
		{"white space", " 5 ", "", 5 * time.Second},
		{"zero", "0", "", 0},
		{"negative", "-5", "", 0},
		{"a fraction is none", "1.5", "", 0},
		{"a year", "31536000", "", 24 * time.Hour},
		{"beyond 64 bits", "99999999999999999999999999", "", 24 * time.Hour},
		{"a date", "Wed, 02 Jan 2030 03:05:05 GMT", "", time.Minute},
		{"a date that is over", "Wed, 02 Jan 2030 03:03:05 GMT", "", 0},
		{"a date in a year", "Thu, 02 Jan 2031 03:04:05 GMT", "", 24 * time.Hour},
		{"by the server's clock", "Tue, 01 Jan 2030 00:01:00 GMT", "Tue, 01 Jan 2030 00:00:00 GMT", time.Minute},
		{"garbage", "soon", "", 0},
	} {
		t.Run(tc.name, func(t *testing.T) {
			h := http.Header{}
			h.Set("Retry-After", tc.value)
			h.Set("Date", tc.date)
			require.Equal(t, tc.want, RetryAfter(h, now))
		})
	}
}
