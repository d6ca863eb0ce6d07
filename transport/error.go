package transport

import (
	"context"
	"errors"
	"strconv"
	"time"

	"github.com/turold/turold/bayeux"
)

// An Error says how a leg ended. It never holds a URL's query, a header, a
// cookie, or a message.
type Error struct {
	// Op is what was being done: dial (name lookup and TCP), proxy, tls, upgrade,
	// write, read, decode, close (the server's close frame), status (an HTTP
	// status or content type that is no answer), ping, drain, cut.
	Op         string
	Unsent     bool          // provably nothing of what was drawn left, or was looked at. False is the honest answer when in doubt
	TooLarge   []string      // the ids of what the server provably did not take: the batch was too large for it
	Status     int           // HTTP status, or close code for Op close; 0: none
	RetryAfter time.Duration // the server asked for that pause; 0: it did not
	RetryNow   bool          // draw again at once, without backoff: another pipe is open, or the end was no outage. Only a valve sets it
	StaleConn  bool          // it died on a connection that had served before, with not a byte read, or the server asks for it: worth one retry at once
	Err        error         // the cause; not nil
}

// Error names the operation, the status if there is one, and the cause.
func (e *Error) Error() string {
	s := "transport: " + e.Op
	if e.Status != 0 {
		s += " " + strconv.Itoa(e.Status)
	}
	if e.Err != nil {
		s += ": " + e.Err.Error()
	}
	return s
}

// Unwrap returns the cause. What it wraps is never a context's error for
// errors.Is: those are the caller's, and this is the network's time, also if a
// library has the same name for both.
func (e *Error) Unwrap() error {
	if isContext(e.Err) {
		return overdue{e.Err}
	}
	return e.Err
}

func isContext(err error) bool {
	return errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled)
}

// overdue is an error of a time limit that was not the caller's.
type overdue struct{ err error }

func (e overdue) Error() string { return e.err.Error() }

func (e overdue) As(target any) bool { return errors.As(e.err, target) }

func (e overdue) Is(target error) bool { return !isContext(target) && errors.Is(e.err, target) }

// IDs are those of a batch, for TooLarge.
func IDs(batch []bayeux.Message) []string {
	ids := make([]string, len(batch))
	for i := range batch {
		ids[i] = batch[i].ID
	}
	return ids
}
