package client

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/turold/turold/bayeux"
)

// Sentinels for errors.Is.
var (
	// ErrClosed is the error of everything that was under way, or is begun,
	// after Close or Disconnect.
	ErrClosed = errors.New("client: closed")
	// ErrDraining is the error of everything that is begun while Drain runs, and the
	// last one of subscriptions then; after Drain it is ErrClosed. It is an ErrClosed.
	ErrDraining = fmt.Errorf("client: draining: %w", ErrClosed)
	// ErrServerEnded is why a client ended by itself: the server advised not to
	// connect again (advice.reconnect none) without an error of its own.
	ErrServerEnded = errors.New("client: the server ended the session for good")
	// ErrUnsubscribed ends a subscription that Unsubscribe was called on.
	ErrUnsubscribed = errors.New("client: unsubscribed")
	// ErrQueueFull ends a subscription whose queue was full under the policy QueueEndWhenFull.
	ErrQueueFull = errors.New("client: the subscription's queue is full")
	// ErrNoReply is the cause where the server did not reply within the time
	// allowed for it (NetworkDelay). It is a timeout for net.Error.
	ErrNoReply error = noReply{}
	// ErrPending is what Receipt.Err returns while the message has no outcome yet.
	ErrPending = errors.New("client: no outcome yet")

	errReply     = errors.New("client: the response lacks the reply")
	errStale     = errors.New("client: of a session that is over")
	errAckHeld   = errors.New("client: more events wait for their acknowledged reply than the limits allow")
	errNoSession = errors.New("client: there is no session")
	errNoID      = errors.New("client: the handshake reply has no clientId")
	errLongID    = errors.New("client: the handshake reply has a clientId of more than 1,024 bytes")
	errHeader    = errors.New("client: a header has a character that HTTP does not allow")
)

// noReply is the type of ErrNoReply.
type noReply struct{}

func (noReply) Error() string { return "client: no reply in time" }
func (noReply) Timeout() bool { return true }

// An OpError says which operation of the client failed and why: Op is dial,
// handshake, connect, subscribe, unsubscribe, listen, publish, call, disconnect or
// credentials. Err is a *bayeux.Error if the server refused, a *transport.Error if it
// was not reached, a context's error if the caller's time was up.
type OpError struct {
	Op      string
	Channel bayeux.Channel // empty where there is none
	Server  string         // scheme, host and port of the URL, in what Dial returns; otherwise empty
	Err     error
}

func (e *OpError) Error() string {
	s := "client: " + e.Op
	if e.Channel != "" {
		s += " " + string(e.Channel)
	}
	if e.Server != "" {
		s += " " + e.Server
	}
	return s + ": " + text(e.Err)
}

// Timeout reports whether the time for the operation was up: the caller's
// context's, the NetworkDelay, or one of the network's. It is part of net.Error.
func (e *OpError) Timeout() bool { return isTimeout(e.Err) }

// Temporary is part of net.Error, and the same as Timeout.
func (e *OpError) Temporary() bool { return e.Timeout() }

func isTimeout(err error) bool {
	var limit interface{ Timeout() bool }
	return errors.As(err, &limit) && limit.Timeout()
}

// text is what an error says without the package that it names: only the
// outermost error names its own.
func text(err error) string {
	said := err.Error()
	for _, name := range [...]string{"client: ", "transport: ", "bayeux: ", "fallback: "} {
		if rest, ok := strings.CutPrefix(said, name); ok {
			return rest
		}
	}
	return said
}

// Unwrap returns the cause.
func (e *OpError) Unwrap() error { return e.Err }

// asOp is err if it is an OpError, and otherwise one around it.
func asOp(op string, err error) error {
	if errors.As(err, new(*OpError)) {
		return err
	}
	return &OpError{Op: op, Err: err}
}

// An OutcomeError is the outcome of a message that got no reply, or after a try
// that got none a refusal, which says nothing of the tries before.
type OutcomeError struct {
	// Sent is over all tries. False: the server does not have it: it never left, or
	// was refused for its size or an unknown session each time. True: it may have it, or not.
	Sent bool
	Err  error // why no reply came the last time, or the refusal: a *bayeux.Error
}

func (e *OutcomeError) Error() string {
	if e.Sent {
		return "client: outcome unknown: " + text(e.Err)
	}
	return "client: not taken: " + text(e.Err)
}

// Unwrap returns the cause.
func (e *OutcomeError) Unwrap() error { return e.Err }

// A GapReason says why messages may be missing.
type GapReason string

// The reasons of gaps.
const (
	GapConnectionLost GapReason = "connection lost" // without acknowledgement, a connection died that may have carried events
	GapNewSession     GapReason = "new session"     // the server forgot the session; nothing published in between was kept
	GapQueueFull      GapReason = "queue full"      // the application did not keep up, and the queue's bound was reached
	GapUnsubscribed   GapReason = "unsubscribed"    // an earlier unsubscribe that was never answered may have reached the server behind the subscribe; it was asked anew
	// GapUnreadable: a message came that could not be read, or was beyond the Limits. It
	// was on a channel of this subscription, or on one that could not be read either; perhaps it
	// was no event. The log says what was wrong with it.
	GapUnreadable GapReason = "unreadable message"
)

// reasons has them in the order of what they ask of the application, the most
// first: after a new session what the server keeps for a session is gone, too.
var reasons = []GapReason{GapNewSession, GapUnsubscribed, GapConnectionLost, GapUnreadable, GapQueueFull}

// A GapError stands in a subscription where messages may be missing, as an Item
// of its stream; the subscription goes on after it. One for a lost connection, or for an
// unsubscribe that came late, stands where that was found out: what came before may be
// newer than what is missing. Gaps with no message between them are one, until it is
// taken: its Reason is the first of GapNewSession, GapUnsubscribed, GapConnectionLost,
// GapUnreadable and GapQueueFull that is among theirs, and Missed is their sum, or -1 if one of them is.
type GapError struct {
	Channel bayeux.Channel // the subscription's
	Reason  GapReason
	Missed  int // how many; -1: not known, perhaps none
}

// merge makes e the gap that stands for itself and for one right beside it.
func (e *GapError) merge(other *GapError) {
	if slices.Index(reasons, other.Reason) < slices.Index(reasons, e.Reason) {
		e.Reason = other.Reason
	}
	if e.Missed < 0 || other.Missed < 0 {
		e.Missed = -1
	} else {
		e.Missed += other.Missed
	}
}

func (e *GapError) Error() string {
	if e.Missed < 0 {
		return fmt.Sprintf("client: gap on %s: %s", e.Channel, e.Reason)
	}
	return fmt.Sprintf("client: gap on %s: %s: %d missed", e.Channel, e.Reason, e.Missed)
}

// A DecodeError is one message whose data does not fit the type that Values
// was asked for, as an Item of its stream; the stream goes on after it.
type DecodeError struct {
	Message bayeux.Message
	Type    reflect.Type
	Err     error // of encoding/json, or of the type's own UnmarshalJSON: it may quote the data
}

// Error says what does not fit and where, and quotes nothing of the data.
func (e *DecodeError) Error() string {
	var misfit *json.UnmarshalTypeError
	if !errors.As(e.Err, &misfit) {
		return fmt.Sprintf("client: data on %s is no %v: %T", e.Message.Channel, e.Type, e.Err)
	}
	kind, _, _ := strings.Cut(misfit.Value, " ") // the number follows
	at := ""
	if misfit.Field != "" {
		at = fmt.Sprintf("at %q: ", misfit.Field)
	}
	return fmt.Sprintf("client: data on %s is no %v: %s%s instead of %v", e.Message.Channel, e.Type, at, kind, misfit.Type)
}

// Format prints Error for every verb: the message is a field.
func (e *DecodeError) Format(f fmt.State, _ rune) { say(f, e.Error()) }

// Unwrap returns the error of encoding/json.
func (e *DecodeError) Unwrap() error { return e.Err }
