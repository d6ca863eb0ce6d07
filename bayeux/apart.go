package bayeux

import (
	"bytes"
	"fmt"
	"strings"
	"unicode/utf8"
)

// decodeEach reads a batch in which something is wrong. It finds the ends of the
// messages by quotes and brackets alone and reads each by itself.
func (d *decoder) decodeEach(l Limits) ([]Message, error) {
	d.withAdvice = 0
	s := splitter{b: d.b, at: len(d.b) - len(bytes.TrimPrefix(d.b, byteOrderMark))}
	array := s.next() == '['
	if !array && s.next() != '{' {
		return nil, s.fail("neither an array nor an object")
	}
	if array {
		s.at++
	}
	ms := []Message{}
	for array && s.next() != ']' || len(ms) == 0 && !array {
		switch {
		case len(ms) == l.Messages:
			return nil, fmt.Errorf("%w: more than %d messages", ErrTooLarge, l.Messages)
		case len(ms) > 0 && s.next() != ',':
			return nil, s.fail("no comma between two messages")
		case len(ms) > 0:
			s.at++
		}
		if s.next() != '{' {
			return nil, s.fail("something that is no object in the array")
		}
		from := s.at
		if !s.skipObject() {
			return nil, s.fail("a quote or bracket that does not close")
		}
		ms = append(ms, d.decodeOne(from, s.at, array, l.Depth))
	}
	if array {
		s.at++
	}
	if s.next(); s.at < len(s.b) {
		return nil, s.fail("something behind the batch")
	}
	return trim(ms), nil
}

// decodeOne reads the message at b[from:to], which is alone or in an array.
func (d *decoder) decodeOne(from, to int, array bool, most int) Message {
	part, depth := d.b[from:to], most
	if array {
		depth--
	}
	var m Message
	var err error
	switch {
	case !utf8.Valid(part):
		// RFC 6455 section 8.1 would have a WebSocket end for it. It does not here, on
		// purpose: the next one would bring the same, and all the other messages are good.
		err = &FormatError{Offset: int64(from), Reason: "not UTF-8"}
	case nestsDeeper(part, depth):
		err = fmt.Errorf("%w: nested deeper than %d", ErrTooLarge, most)
	default:
		d.read(from, to)
		err = d.message(&m)
	}
	if err == nil {
		return m
	}
	m = salvage(part, depth)
	meta := Meta{Unreadable: err, Successful: m.Meta != nil}
	if d.lastUnreadable == nil || d.lastUnreadable.Unreadable != err || d.lastUnreadable.Successful != meta.Successful { //nolint:errorlint // the very same
		d.lastUnreadable = &meta
	}
	m.Meta = d.lastUnreadable
	return m
}

// A splitter finds the ends of objects.
type splitter struct {
	b    []byte
	at   int
	open []byte // the brackets that close what is open
}

// next is the byte that follows white space, which it passes over; 0 at the end.
func (s *splitter) next() byte {
	for s.at < len(s.b) && isWhiteSpace(s.b[s.at]) {
		s.at++
	}
	if s.at < len(s.b) {
		return s.b[s.at]
	}
	return 0
}

// skipObject moves behind the object or array that begins here, and reports whether every
// quote and bracket in it closes.
func (s *splitter) skipObject() bool {
	s.open = s.open[:0]
	for ; s.at < len(s.b); s.at++ {
		switch c := s.b[s.at]; c {
		case '"':
			s.at = endOfString(s.b, s.at+1)
		case '{', '[':
			s.open = append(s.open, c+2) // which is how ASCII has them
		case '}', ']':
			last := len(s.open) - 1
			if s.open[last] != c {
				return false
			}
			if s.open = s.open[:last]; last == 0 {
				s.at++
				return true
			}
		}
	}
	s.at = len(s.b) // not behind it: a quote may be open
	return false
}

func (s *splitter) fail(reason string) error {
	return &FormatError{Offset: int64(s.at), Reason: reason}
}

// salvage is what can be read for certain of an object that cannot be read whole:
// channel, id and ext, and a Meta if it says successful. What is behind a quote too many or too
// few may look like a member and be none; so everything must be where it may be.
func salvage(part []byte, depth int) (m Message) {
	if !stringsInPlace(part) {
		return Message{}
	}
	var seen fields
	s := splitter{b: part, at: 1}
	for more := true; more && s.next() != '}'; s.at++ {
		key, ok := s.token()
		if !ok || key[0] != '"' || s.next() != ':' {
			return Message{}
		}
		s.at++
		v, ok := s.token()
		next := s.next()
		if !ok || next != ',' && next != '}' {
			return Message{}
		}
		more = next == ','
		if !valid(key, 1) {
			continue
		}
		f := reserved(unescape(key))
		if f == fUnknown {
			continue
		}
		if seen.has(f) {
			v = nil
		}
		seen |= 1 << f
		m.salvage(f, v, depth)
	}
	return m
}

// salvage takes the value of one key; nil if the key came before.
func (m *Message) salvage(f field, v []byte, depth int) {
	ok := v != nil && valid(v, depth-1)
	switch f {
	case fChannel:
		m.Channel = ""
		if ok && v[0] == '"' {
			m.Channel = Channel(unquote(v))
		}
	case fID:
		m.ID = ""
		if ok {
			m.ID, _ = textOf(v, true)
		}
	case fExt:
		m.Ext = nil
		if ok && v[0] != 'n' {
			m.Ext = v[:len(v):len(v)]
		}
	case fSuccessful:
		m.Meta = nil
		if ok && v[0] == 't' {
			m.Meta = new(Meta)
		}
	}
}

// valid reports whether v by itself can be read.
func valid(v []byte, depth int) bool { return ValidValue(v) && !nestsDeeper(v, depth) }

// token passes over a string, an object, an array or a run of other bytes up to
// what ends a member.
func (s *splitter) token() (t []byte, ok bool) {
	c, from := s.next(), s.at
	switch c {
	case 0:
		return nil, false
	case '"':
		s.at = endOfString(s.b, s.at+1) + 1
	case '{', '[':
		s.skipObject()
	default:
		n := bytes.IndexAny(s.b[s.at:], `,}:"[{]`)
		s.at += max(n, 0)
	}
	t = bytes.TrimRight(s.b[from:min(s.at, len(s.b))], whiteSpace)
	return t, len(t) > 0
}

// stringsInPlace reports whether each string stands where one may: behind a bracket, a colon
// or a comma, and before one.
func stringsInPlace(part []byte) bool {
	before := byte('{')
	for i := 0; i < len(part); i++ {
		c := part[i]
		if isWhiteSpace(c) {
			continue
		}
		if before == '"' && strings.IndexByte(":,}]", c) < 0 || c == '"' && strings.IndexByte(":,{[", before) < 0 {
			return false
		}
		if before = c; c == '"' {
			i = endOfString(part, i+1)
		}
	}
	return true
}
