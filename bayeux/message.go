package bayeux

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
)

// A Message is one Bayeux message, in either direction. It is small, because
// most messages are events: what only the protocol itself says hangs off Meta.
//
// Data and Ext of a decoded message alias the frame or body they came in, so
// keeping one keeps all of it; Clone makes a copy of its own.
type Message struct {
	Channel Channel         // empty only in an error reply to a message that had none
	ID      string          // as sent; a number is kept in its own digits. Empty: none. On an event it is the publisher's
	Data    json.RawMessage // nil only if the key is absent: null, 0, false and "" are data
	Ext     json.RawMessage // nil if absent or null
	Meta    *Meta           // nil if the message carries none of its fields, as events do
}

// Meta holds what a message says to the protocol rather than to the application.
type Meta struct {
	ClientID                 string
	Version, MinimumVersion  string   // of a handshake
	SupportedConnectionTypes []string // of a handshake
	ConnectionType           string   // of a connect
	Subscription             []Channel
	Advice                   *Advice
	Verdict                  bool   // "successful" was present. That makes no reply: see Message.Answers
	Successful               bool   // its value
	Error                    string // as sent: see Message.Err
	// Unreadable is why the message could not be read: a *FormatError, or it wraps
	// ErrTooLarge. Then Channel, ID, Ext and Successful are what could be read of it, as
	// far as that is certain, and nothing else is set. Nil: it was read.
	Unreadable error
}

// Format prints the fields with the clientId masked, and of the error what
// Error.Error tells.
func (t Meta) Format(f fmt.State, verb rune) {
	type plain Meta
	if t.ClientID != "" {
		t.ClientID = "***"
	}
	if t.Error != "" {
		t.Error = ParseError("", t.Error).Error()
	}
	_, _ = fmt.Fprintf(f, fmt.FormatString(f, verb), plain(t))
}

// Advice is the message's advice, nil if it has none.
func (m *Message) Advice() *Advice {
	if m.Meta == nil {
		return nil
	}
	return m.Meta.Advice
}

// Unreadable is why the message could not be read, nil if it was: see Meta.
func (m *Message) Unreadable() error {
	if m.Meta == nil {
		return nil
	}
	return m.Meta.Unreadable
}

// Clone returns a copy that shares no memory with the frame m came in. Meta,
// whose parts never alias a frame, is copied one level deep.
func (m *Message) Clone() Message {
	c := *m
	c.Data, c.Ext = bytes.Clone(m.Data), bytes.Clone(m.Ext)
	if m.Meta != nil {
		meta := *m.Meta
		meta.SupportedConnectionTypes = slices.Clone(meta.SupportedConnectionTypes)
		meta.Subscription = slices.Clone(meta.Subscription)
		c.Meta = &meta
	}
	return c
}

// Size is an upper estimate of the bytes Append adds for m, for keeping a
// batch within a bound. Only escapes can make them more: characters in names,
// ids and errors that JSON does not take as they are.
func (m *Message) Size() int {
	n := 40 + len(m.Channel) + len(m.ID) + len(m.Data) + len(m.Ext)
	if m.Meta != nil {
		n += m.Meta.size()
	}
	return n
}

func (t *Meta) size() int {
	n := 150 + len(t.ClientID) + len(t.Version) + len(t.MinimumVersion) + len(t.ConnectionType) + len(t.Error)
	for _, s := range t.Subscription {
		n += len(s) + 19
	}
	for _, s := range t.SupportedConnectionTypes {
		n += len(s) + 19
	}
	if t.Advice != nil {
		n += 10 + t.Advice.size()
	}
	return n
}

func (a *Advice) size() int {
	n := 150 + len(a.Reconnect)
	for _, s := range a.Hosts {
		n += len(s) + 3
	}
	for name, s := range a.Sections {
		n += len(name) + 4 + s.size()
	}
	return n
}
