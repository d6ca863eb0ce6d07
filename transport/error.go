package transport

import (
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
	Refused    []string      // the ids of what the server provably did not take: the batch was too large for it
	Status     int           // HTTP status, or close code for Op close; 0: none
	RetryAfter time.Duration // the server asked for that pause; 0: it did not
	Elsewhere  bool          // another way is open: draw again at once, without backoff. Set by a valve only
	Reused     bool          // it died on a connection that had served before, with not a byte read, or the server asks for it: worth one retry at once
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

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// IDs are those of a batch, for Refused.
func IDs(batch []bayeux.Message) []string {
	ids := make([]string, len(batch))
	for i := range batch {
		ids[i] = batch[i].ID
	}
	return ids
}
