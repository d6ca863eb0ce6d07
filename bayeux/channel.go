package bayeux

import (
	"fmt"
	"strings"
)

// A Channel is a channel's name, such as "/stock/ACME", or a pattern whose
// last segment is "*" (one segment) or "**" (one or more), Bayeux section 2.2.
// It is not validated by being assigned: see Validate.
type Channel string

// The five meta channels (Bayeux section 5). No other name below /meta/ means anything.
const (
	MetaHandshake   Channel = "/meta/handshake"
	MetaConnect     Channel = "/meta/connect"
	MetaSubscribe   Channel = "/meta/subscribe"
	MetaUnsubscribe Channel = "/meta/unsubscribe"
	MetaDisconnect  Channel = "/meta/disconnect"
)

// maxPattern bounds a pattern's bytes. Without a bound one event on a name made
// of slashes would cost its receiver the square of its length, see Patterns.
const maxPattern = 1 << 10

// Meta reports whether the name lies below /meta/, known or not.
func (c Channel) Meta() bool { return strings.HasPrefix(string(c), "/meta/") }

// Service reports whether the name lies below /service/: what is sent there
// reaches the server only and is never broadcast (Bayeux section 2.2.2).
func (c Channel) Service() bool { return strings.HasPrefix(string(c), "/service/") }

// Wild reports whether the name is a pattern: its last segment is "*" or "**".
func (c Channel) Wild() bool {
	return strings.HasSuffix(string(c), "/*") || strings.HasSuffix(string(c), "/**")
}

// Clean is the name by which channels are compared: a slash at the end is not
// part of it (CometD drops it), and slashes in a row are one. Case counts. Validate
// takes names in this form only, so that there is one way to write each.
func (c Channel) Clean() Channel {
	if n := len(c); n < 2 || c[n-1] != '/' && !strings.Contains(string(c), "//") {
		return c
	}
	var b strings.Builder
	for i := range len(c) {
		if c[i] != '/' || i+1 < len(c) && c[i+1] != '/' {
			b.WriteByte(c[i])
		}
	}
	if b.Len() == 0 {
		return "/"
	}
	return Channel(b.String())
}

// Validate returns an error unless the name follows the grammar of Bayeux
// section 2.1: segments of letters, digits and -_!~()$@ behind slashes, and a
// wildcard in the last segment only, of a pattern of 1 KiB at most. The
// characters in extra are allowed too: "?&='" fits the filtered channels of
// Salesforce, "." what CometD takes.
func (c Channel) Validate(extra string) error {
	if c.Wild() && len(c) > maxPattern {
		return fmt.Errorf("bayeux: channel %.100q is a pattern of %d bytes, at most %d", string(c), len(c), maxPattern)
	}
	rest, ok := strings.CutPrefix(string(c), "/")
	if !ok {
		return fmt.Errorf("bayeux: channel %.100q does not begin with a slash", string(c))
	}
	for more := true; more; {
		var segment string
		segment, rest, more = strings.Cut(rest, "/")
		if !more && (segment == "*" || segment == "**") {
			return nil
		}
		if segment == "" {
			return fmt.Errorf("bayeux: channel %.100q has an empty segment", string(c))
		}
		for _, r := range segment {
			if !isNameRune(r) && !strings.ContainsRune(extra, r) {
				return fmt.Errorf("bayeux: channel %.100q contains %q", string(c), r)
			}
		}
	}
	return nil
}

func isNameRune(r rune) bool {
	return 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' || strings.ContainsRune("-_!~()$@", r)
}

// Matches reports whether a message on name reaches a subscription to c:
// the names are equal, or c is a pattern that covers name. A pattern covers
// no name outside its own prefix, "/a/**" does not cover "/a", no pattern
// covers another, and one longer than 1 KiB covers nothing.
func (c Channel) Matches(name Channel) bool {
	if c == name {
		return true
	}
	if name.Wild() || len(c) > maxPattern {
		return false
	}
	if prefix, ok := strings.CutSuffix(string(c), "**"); ok && strings.HasSuffix(prefix, "/") {
		return len(name) > len(prefix) && strings.HasPrefix(string(name), prefix)
	}
	if prefix, ok := strings.CutSuffix(string(c), "*"); ok && strings.HasSuffix(prefix, "/") {
		rest, ok := strings.CutPrefix(string(name), prefix)
		return ok && rest != "" && !strings.Contains(rest, "/")
	}
	return false
}

// Patterns yields c and every pattern that Matches it, the narrowest first:
// the keys under which a registry of subscriptions finds what c reaches.
func (c Channel) Patterns(yield func(Channel) bool) {
	if !yield(c) || c.Wild() {
		return
	}
	end := len(c) - 1 // a slash there begins a segment that nothing covers
	last := strings.LastIndexByte(string(c), '/')
	if last >= 0 && last < end && last+len("/*") <= maxPattern && !yield(c[:last+1]+"*") {
		return
	}
	for i := min(len(c), maxPattern-len("**")); i > 0; {
		if i = strings.LastIndexByte(string(c[:i]), '/'); i >= 0 && i < end && !yield(c[:i+1]+"**") {
			return
		}
	}
}
