package bayeux

import (
	"strconv"
	"strings"
)

// A Kind says what an error means to a client. It is found from the text and
// the channel, because the same number means different things to different
// servers: 401 is an unknown session on Faye and a bad token on Salesforce.
type Kind uint8

// The kinds. A new one may be added; treat those not known as KindRefused.
const (
	KindRefused        Kind = iota // the server said no and gave no reason that is known here
	KindUnknownSession             // the clientId is not, or no longer, known: a new handshake is due
	KindUnauthorized               // sign-in failed or is missing: a handshake refused, a token rejected
	KindForbidden                  // signed in, but not allowed to subscribe, create or publish there
	KindInvalidChannel             // the channel's name is not acceptable
	KindMalformed                  // the message itself is not acceptable: a missing field, a bad id, too large
	KindBusy                       // a limit of the server is reached; later may do
	KindFailed                     // the server broke while it worked on the message
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
	Args []string // between the first colon and the text, split at commas, 16 at most; nil if empty
	Text string
	Raw  string // the field as sent. Faye writes the clientId into it when it does not know it
}

// Sentinels for errors.Is.
var (
	ErrUnknownSession = &Error{Kind: KindUnknownSession}
	ErrUnauthorized   = &Error{Kind: KindUnauthorized}
	ErrForbidden      = &Error{Kind: KindForbidden}
	ErrInvalidChannel = &Error{Kind: KindInvalidChannel}
	ErrMalformed      = &Error{Kind: KindMalformed}
	ErrBusy           = &Error{Kind: KindBusy}
	ErrFailed         = &Error{Kind: KindFailed}
)

// maxArgs bounds Args; the last one keeps what is left, commas and all.
const maxArgs = 16

// ParseError reads an error field. The channel of the reply takes part in
// finding the Kind. Any text gives an Error; it never fails.
func ParseError(ch Channel, raw string) *Error {
	e := &Error{Raw: raw, Text: raw}
	if code, rest, ok := strings.Cut(raw, ":"); ok {
		if n, err := strconv.ParseUint(code, 10, 31); err == nil {
			e.Code, e.Text = int(n), rest
			if args, text, ok := strings.Cut(rest, ":"); ok {
				e.Text = text
				if args != "" {
					e.Args = strings.SplitN(args, ",", maxArgs)
				}
			}
		}
	}
	e.Kind = e.classify(ch)
	return e
}

// Error is the server's own words, with the kind in front: at most 200 bytes
// of them, with control characters escaped, and without the arguments of an
// unknown session, one of which is the clientId.
func (e *Error) Error() string {
	said := e.Raw
	if e.Kind == KindUnknownSession && e.Args != nil {
		said = strconv.Itoa(e.Code) + "::" + e.Text
	}
	if said == "" {
		return "bayeux: " + e.Kind.String()
	}
	quoted := strconv.Quote(said[:min(len(said), 200)])
	return "bayeux: " + e.Kind.String() + ": " + quoted[1:len(quoted)-1]
}

// GoString is what %#v prints: no more than Error.
func (e *Error) GoString() string { return "&bayeux.Error{" + e.Error() + "}" }

// Is reports whether target is an *Error of the same Kind.
func (e *Error) Is(target error) bool {
	t, ok := target.(*Error)
	return ok && t.Kind == e.Kind
}
