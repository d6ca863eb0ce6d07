// Package mono has instants in eight bytes. A time.Time takes three times as
// much, and an idle session keeps some thirty, of which it only asks which is
// the earlier, and how far they are apart. It knows nothing of who keeps them.
package mono

import (
	"math"
	"time"
)

// base is long before whatever happens in this process, in a test's bubble of
// virtual time too, where it is the year 2000. With a clock that begins in 1970
// it can be no earlier: package time keeps no monotonic reading before 1885.
var base = time.Now().Add(-80 * 365 * 24 * time.Hour)

// A Time is an instant by the machine's monotonic clock. Zero is none, and
// earlier than every other.
type Time struct{ since time.Duration } // base

// Never is later than every other instant: two hundred years from now.
var Never = Time{math.MaxInt64}

// Now is this instant.
func Now() Time { return Of(time.Now()).Time }

// Since is how long ago t was.
func Since(t Time) time.Duration { return Now().Sub(t) }

// Until is how far off t is.
func Until(t Time) time.Duration { return t.Sub(Now()) }

// IsZero reports whether t is none.
func (t Time) IsZero() bool { return t == Time{} }

// Before reports whether t is earlier than u.
func (t Time) Before(u Time) bool { return t.since < u.since }

// After reports whether t is later than u.
func (t Time) After(u Time) bool { return t.since > u.since }

// Add is the instant d later, or Never if that is too far for a Time to say; and
// what is too long ago is the first instant there is.
func (t Time) Add(d time.Duration) Time {
	at := t.since + d
	switch {
	case d > 0 && at < t.since:
		return Never
	case d < 0 && at <= 0:
		return Time{1}
	}
	return Time{at}
}

// Sub is how much later t is than u.
func (t Time) Sub(u Time) time.Duration { return t.since - u.since }

// Earliest is the earliest of those that are not none.
func Earliest(all ...Time) (first Time) {
	for _, t := range all {
		if !t.IsZero() && (first.IsZero() || t.Before(first)) {
			first = t
		}
	}
	return first
}

// Due reports whether *t has come, and makes it none then.
func Due(t *Time, now Time) bool {
	if t.IsZero() || now.Before(*t) {
		return false
	}
	*t = Time{}
	return true
}

// A Moment is a present instant by both clocks. What one of them says of another
// instant is the other's by the distance from here: the wall clock may be set,
// and the monotonic one stops while the machine sleeps.
type Moment struct {
	Time
	Wall time.Time
}

// Of is the Moment of now, which is what time.Now returned.
func Of(now time.Time) Moment { return Moment{Time{now.Sub(base)}, now} }

// At is the instant of t; that of the zero time is none.
func (m Moment) At(t time.Time) Time {
	if t.IsZero() {
		return Time{}
	}
	return m.Add(t.Sub(m.Wall))
}

// Clock is the time of t; that of none is zero.
func (m Moment) Clock(t Time) time.Time {
	if t.IsZero() {
		return time.Time{}
	}
	return m.Wall.Add(t.Sub(m.Time))
}
