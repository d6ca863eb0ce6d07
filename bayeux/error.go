package bayeux

import (
	"strconv"
	"strings"
)

// A Kind says what an error means to a client. It is found from the text and
// the channel, because the same number means different things to different
// servers: 401 is an unknown session on Faye and a bad token on Salesforce.
type Kind uint8

// The kinds. A new one may be added; treat those not known as Refused.
const (
	Refused        Kind = iota // the server said no and gave no reason that is known here
	UnknownSession             // the clientId is not, or no longer, known: a new handshake is due
	Unauthorized               // sign-in failed or is missing: a handshake refused, a token rejected
	Forbidden                  // signed in, but not allowed to subscribe, create or publish there
	InvalidChannel             // the channel's name is not acceptable
	Malformed                  // the message itself is not acceptable: a missing field, a bad id, too large
	Busy                       // a limit of the server is reached; later may do
	Failed                     // the server broke while it worked on the message
)

func (k Kind) String() string {
	names := [...]string{"refused", "unknown session", "unauthorized", "forbidden", "invalid channel", "malformed", "busy", "failed"}
	if int(k) < len(names) {
		return names[k]
	}
	return "kind " + strconv.Itoa(int(k))
}

// An Error is the error field of a reply, "code:args:text" (Bayeux section
// 2.3.3). Compare with errors.Is against the sentinels: that compares the
// Kind, never the Code.
type Error struct {
	Kind Kind
	Code int      // 0 if the field does not begin with a number
	Args []string // between the first colon and the text, split at commas; nil if empty
	Text string
	Raw  string // the field as sent
}

// Sentinels for errors.Is.
var (
	ErrUnknownSession = &Error{Kind: UnknownSession}
	ErrUnauthorized   = &Error{Kind: Unauthorized}
	ErrForbidden      = &Error{Kind: Forbidden}
	ErrInvalidChannel = &Error{Kind: InvalidChannel}
	ErrMalformed      = &Error{Kind: Malformed}
	ErrBusy           = &Error{Kind: Busy}
	ErrFailed         = &Error{Kind: Failed}
)

// ParseError reads an error field. The channel of the reply takes part in
// finding the Kind. Any text gives an Error; it never fails.
func ParseError(ch Channel, raw string) *Error {
	e := &Error{Raw: raw, Text: raw}
	if code, rest, ok := strings.Cut(raw, ":"); ok {
		if n, err := strconv.Atoi(code); err == nil && n >= 0 {
			e.Code, e.Text = n, rest
			if args, text, ok := strings.Cut(rest, ":"); ok {
				e.Text = text
				if args != "" {
					e.Args = strings.Split(args, ",")
				}
			}
		}
	}
	e.Kind = e.classify(ch)
	return e
}

func (e *Error) classify(ch Channel) Kind {
	s := strings.ToLower(e.Raw)
	has := func(words ...string) bool {
		for _, w := range words {
			if strings.Contains(s, w) {
				return true
			}
		}
		return false
	}
	switch {
	case has("unknown client", "session_unknown", "unknown session"):
		if ch == MetaHandshake {
			return Unauthorized
		}
		return UnknownSession
	case has("limit exceeded", "too busy", "too many"), e.Code == 503, e.Code == 429:
		return Busy
	case has("authentication invalid", "requires authentication", "handshake_denied", "handshake denied", "handshake_failed"):
		return Unauthorized
	case ch == MetaHandshake && (e.Code == 401 || e.Code == 403):
		return Unauthorized
	case has("_denied", "denied_by", "forbidden", "not allowed"):
		return Forbidden
	case has("channel_invalid", "invalid channel", "channel_missing", "unknown channel"):
		return InvalidChannel
	case e.Code == 401:
		return Unauthorized
	case e.Code == 403:
		return Forbidden
	case e.Code >= 400 && e.Code <= 499:
		return Malformed
	case e.Code >= 500 && e.Code <= 599:
		return Failed
	}
	return Refused
}

// Error is the server's own words, with the kind in front.
func (e *Error) Error() string {
	if e.Raw == "" {
		return "bayeux: " + e.Kind.String()
	}
	return "bayeux: " + e.Kind.String() + ": " + e.Raw
}

// Is reports whether target is an *Error of the same Kind.
func (e *Error) Is(target error) bool {
	t, ok := target.(*Error)
	return ok && t.Kind == e.Kind
}
