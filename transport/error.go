package transport

import (
	"context"
	"errors"
	"net"
	"strconv"
	"strings"
	"time"
)

// An Error says how a leg ended. It never holds a URL's query, a header, a
// cookie, or a message. It is a net.Error.
type Error struct {
	// Op is what was being done: dial (name lookup and TCP), proxy, tls, upgrade,
	// write, read, decode, close (the server's close frame), status (an HTTP
	// status or content type that is no answer), ping, drain, cut.
	Op         string
	Unsent     bool          // provably nothing of what was drawn left, or the server looked at none of it. False is the honest answer when in doubt
	TooLarge   []string      // the ids of the batch, if the server refused it for its size: it provably took none of them. Nil: it did not
	Status     int           // HTTP status, or close code for Op close; 0: none
	RetryAfter time.Duration // the pause that the server asked for; 0: it asked for none
	RetryNow   bool          // draw again at once, without backoff: the valve has another pipe ready, or knows that this end is no outage. Only a valve sets it
	StaleConn  bool          // the connection had served before and died with not a byte read, or the server asks for another one: worth one retry at once
	Err        error         // the cause; not nil
}

var _ net.Error = (*Error)(nil)

// Error names the operation, the status if there is one, and the cause, and no
// package: it is for the text of an error that wraps it.
func (e *Error) Error() string {
	s := e.Op
	switch {
	case e.Status == 0 && e.namesOp():
		return e.Err.Error()
	case e.Status != 0 && e.Op != "status" && e.Op != "close":
		s += ": status " + strconv.Itoa(e.Status)
	case e.Status != 0:
		s += " " + strconv.Itoa(e.Status)
	}
	if e.Err != nil {
		s += ": " + strings.TrimPrefix(withoutPackage(e.Err.Error()), e.Op+": ") // "tls: " is the standard library's, too
	}
	return s
}

// namesOp reports whether the cause begins with the operation itself, as the
// "dial tcp" of package net does.
func (e *Error) namesOp() bool {
	op, ok := e.Err.(*net.OpError) //nolint:errorlint // only the outermost one's text begins with its Op
	return ok && op.Op == e.Op
}

// withoutPackage takes the name of a package of this module off the front of a text:
// what a leg is cut for is an error of those above.
func withoutPackage(text string) string {
	for _, name := range []string{"bayeux: ", "transport: ", "fallback: ", "client: "} {
		if rest, ok := strings.CutPrefix(text, name); ok {
			return rest
		}
	}
	return text
}

// Timeout reports whether a time limit ended the leg: one of the pipe or of the
// system, or that of the caller who cut it.
func (e *Error) Timeout() bool {
	var t interface{ Timeout() bool }
	return errors.As(e.Err, &t) && t.Timeout()
}

// Temporary is Timeout. It is there for net.Error, which deprecates it.
func (e *Error) Temporary() bool { return e.Timeout() }

// Unwrap returns the cause. What it wraps is never a context's error for
// errors.Is: a context's error is about the caller's time, and this one is about
// the network's, even where a library has the same name for both.
func (e *Error) Unwrap() error {
	if isContextError(e.Err) {
		return networkTimeout{e.Err}
	}
	return e.Err
}

func isContextError(err error) bool {
	return errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled)
}

// networkTimeout is the error of a time limit that was not the caller's.
type networkTimeout struct{ err error }

func (e networkTimeout) Error() string { return e.err.Error() }

func (e networkTimeout) As(target any) bool { return errors.As(e.err, target) }

func (e networkTimeout) Is(target error) bool {
	return !isContextError(target) && errors.Is(e.err, target)
}
