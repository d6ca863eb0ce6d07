package bayeux

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/go-json-experiment/json/jsontext"
)

// A FormatError says why a frame or body is not a Bayeux batch. It quotes
// nothing of it but a short piece of the offending key or value's kind.
type FormatError struct {
	Offset int64 // bytes from the start of the frame or body
	Reason string
	Err    error // of the JSON parser, if it was its objection
}

func (e *FormatError) Error() string {
	return fmt.Sprintf("bayeux: not a batch of messages: %s at byte %d", e.Reason, e.Offset)
}

// Unwrap returns the JSON parser's error, nil if the JSON was well formed.
func (e *FormatError) Unwrap() error { return e.Err }

// ErrTooLarge is wrapped by the error of Decode for what exceeds the Limits.
var ErrTooLarge = errors.New("bayeux: beyond the limits")

// Decode reads one frame or body: an array of messages, or a single one
// (Bayeux section 2.4 asks for an array; some servers send an object). It
// takes all or nothing. Data and Ext alias b, which must not change afterwards.
// An empty array gives no message and no error. Errors are *FormatError or
// wrap [ErrTooLarge].
func Decode(b []byte, l Limits) ([]Message, error) {
	l = l.WithDefaults()
	if len(b) > l.Bytes {
		return nil, fmt.Errorf("%w: %d bytes, at most %d", ErrTooLarge, len(b), l.Bytes)
	}
	if deeper(b, l.Depth) {
		return nil, fmt.Errorf("%w: nested deeper than %d", ErrTooLarge, l.Depth)
	}
	d := decoder{b: b}
	// A bytes.Buffer is parsed in place, so offsets are offsets into b. Names
	// may repeat inside data, which is the application's; reserved keys are
	// counted by hand.
	d.Reset(bytes.NewBuffer(b), jsontext.AllowDuplicateNames(true))
	ms, err := d.batch(l.Messages)
	if err != nil {
		return nil, err
	}
	return ms, nil
}

// deeper reports whether brackets nest deeper than depth, in one pass that
// knows strings but not validity.
func deeper(b []byte, depth int) bool {
	open, quoted := 0, false
	for i := 0; i < len(b); i++ {
		switch c := b[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '[' || c == '{':
			if open++; open > depth {
				return true
			}
		case c == ']' || c == '}':
			open--
		}
	}
	return false
}

type decoder struct {
	jsontext.Decoder
	b []byte
}

func (d *decoder) fail(reason string, err error) error {
	at := d.InputOffset()
	var syntactic *jsontext.SyntacticError
	if errors.As(err, &syntactic) {
		at = syntactic.ByteOffset
	}
	return &FormatError{Offset: at, Reason: reason, Err: err}
}

func (d *decoder) batch(limit int) ([]Message, error) {
	kind := d.PeekKind()
	if kind == jsontext.KindBeginObject {
		ms := make([]Message, 1)
		if err := d.message(&ms[0]); err != nil {
			return nil, err
		}
		return ms, d.end()
	}
	if kind != jsontext.KindBeginArray {
		_, err := d.ReadToken()
		return nil, d.fail("neither an array nor an object", err)
	}
	if _, err := d.ReadToken(); err != nil {
		return nil, d.fail("bad JSON", err)
	}
	ms := []Message{}
	for d.PeekKind() == jsontext.KindBeginObject {
		if len(ms) == limit {
			return nil, fmt.Errorf("%w: more than %d messages", ErrTooLarge, limit)
		}
		ms = append(ms, Message{})
		if err := d.message(&ms[len(ms)-1]); err != nil {
			return nil, err
		}
	}
	tok, err := d.ReadToken()
	switch {
	case err != nil:
		return nil, d.fail("bad JSON", err)
	case tok.Kind() != jsontext.KindEndArray:
		return nil, d.fail("something that is no object in the array", nil)
	}
	return ms, d.end()
}

// end makes sure that nothing but white space follows.
func (d *decoder) end() error {
	if len(bytes.TrimLeft(d.b[d.InputOffset():], " \t\r\n")) > 0 {
		return d.fail("something behind the batch", nil)
	}
	return nil
}

// value returns the next value's bytes, an alias of b.
func (d *decoder) value() ([]byte, error) {
	v, err := d.ReadValue()
	if err != nil {
		return nil, d.fail("bad JSON", err)
	}
	end := int(d.InputOffset())
	return d.b[end-len(v) : end : end], nil
}

// A field is a reserved key; the values index a set of those seen.
type field uint8

const (
	fUnknown field = iota
	fChannel
	fID
	fClientID
	fData
	fExt
	fSuccessful
	fError
	fAdvice
	fSubscription
	fConnectionType
	fSupported
	fVersion
	fMinimumVersion
)

// reserved names the field of a key given with its quotes. Names are compared
// exactly (Bayeux section 2.3).
func reserved(quoted []byte) field {
	switch string(quoted) {
	case `"channel"`:
		return fChannel
	case `"id"`:
		return fID
	case `"clientId"`:
		return fClientID
	case `"data"`:
		return fData
	case `"ext"`:
		return fExt
	case `"successful"`:
		return fSuccessful
	case `"error"`:
		return fError
	case `"advice"`:
		return fAdvice
	case `"subscription"`:
		return fSubscription
	case `"connectionType"`:
		return fConnectionType
	case `"supportedConnectionTypes"`:
		return fSupported
	case `"version"`:
		return fVersion
	case `"minimumVersion"`:
		return fMinimumVersion
	}
	return fUnknown
}

// key reads a member's name and says which field it is, escapes undone.
func (d *decoder) key() (field, []byte, error) {
	k, err := d.value()
	if err != nil {
		return 0, nil, err
	}
	if bytes.IndexByte(k, '\\') >= 0 {
		plain, err := jsontext.AppendUnquote(nil, k)
		if err != nil {
			return 0, nil, d.fail("bad key", err)
		}
		k = append(append([]byte{'"'}, plain...), '"')
	}
	return reserved(k), k, nil
}

func (d *decoder) message(m *Message) error {
	if _, err := d.ReadToken(); err != nil {
		return d.fail("bad JSON", err)
	}
	var seen uint32
	for d.PeekKind() == jsontext.KindString {
		f, _, err := d.key()
		if err != nil {
			return err
		}
		if f != fUnknown {
			if seen&(1<<f) != 0 {
				return d.fail("a reserved key comes twice", nil)
			}
			seen |= 1 << f
		}
		v, err := d.value()
		if err != nil {
			return err
		}
		if err := d.member(m, f, v); err != nil {
			return err
		}
	}
	if _, err := d.ReadToken(); err != nil {
		return d.fail("bad JSON", err)
	}
	return nil
}

func (d *decoder) member(m *Message, f field, v []byte) error {
	if f == fUnknown {
		return nil
	}
	if f == fData { // null included
		m.Data = v
		return nil
	}
	if string(v) == "null" {
		return nil
	}
	switch f {
	case fExt:
		m.Ext = v
		return nil
	case fChannel:
		return d.channel(&m.Channel, v)
	case fID:
		return d.text(&m.ID, v, true)
	}
	if m.Meta == nil {
		m.Meta = new(Meta)
	}
	t := m.Meta
	switch f {
	case fClientID:
		return d.text(&t.ClientID, v, true)
	case fSuccessful:
		if v[0] != 't' && v[0] != 'f' {
			return d.fail("successful is no boolean", nil)
		}
		t.Reply, t.Successful = true, v[0] == 't'
	case fError:
		if v[0] != '"' { // some servers send an object: its JSON is kept as the text
			t.Error = string(v)
			return nil
		}
		return d.text(&t.Error, v, false)
	case fAdvice:
		if v[0] == '{' {
			t.Advice = parseAdvice(v, true)
		}
	case fSubscription:
		return d.subscription(t, v)
	case fConnectionType:
		return d.text(&t.ConnectionType, v, false)
	case fSupported:
		t.SupportedConnectionTypes = stringsIn(v)
	case fVersion:
		return d.text(&t.Version, v, true)
	case fMinimumVersion:
		return d.text(&t.MinimumVersion, v, true)
	}
	return nil
}

// text takes a string; a number too where servers are known to send one.
func (d *decoder) text(to *string, v []byte, number bool) error {
	if v[0] == '"' {
		s, err := unquote(v)
		if err != nil {
			return d.fail("bad string", err)
		}
		*to = s
		return nil
	}
	if number && (v[0] == '-' || '0' <= v[0] && v[0] <= '9') {
		*to = string(v)
		return nil
	}
	return d.fail("a reserved key with a value of the wrong type", nil)
}

func unquote(v []byte) (string, error) {
	if bytes.IndexByte(v, '\\') < 0 {
		return string(v[1 : len(v)-1]), nil
	}
	b, err := jsontext.AppendUnquote(nil, v)
	return string(b), err
}

// channel keeps the meta channels as constants: they come most often.
func (d *decoder) channel(to *Channel, v []byte) error {
	switch string(v) {
	case `"/meta/connect"`:
		*to = MetaConnect
	case `"/meta/subscribe"`:
		*to = MetaSubscribe
	default:
		return d.text((*string)(to), v, false)
	}
	return nil
}

// subscription is one name or an array of them (Bayeux section 5.3).
func (d *decoder) subscription(t *Meta, v []byte) error {
	if v[0] == '[' {
		for _, s := range stringsIn(v) {
			t.Subscription = append(t.Subscription, Channel(s))
		}
		return nil
	}
	var s string
	if err := d.text(&s, v, false); err != nil {
		return err
	}
	t.Subscription = []Channel{Channel(s)}
	return nil
}

// stringsIn returns the strings of an array and passes over everything else.
func stringsIn(v []byte) (out []string) {
	if v[0] != '[' {
		return nil
	}
	d := jsontext.NewDecoder(bytes.NewBuffer(v))
	_, _ = d.ReadToken()
	for d.PeekKind() != jsontext.KindEndArray {
		e, err := d.ReadValue()
		if err != nil {
			return out
		}
		if e[0] == '"' {
			if s, err := unquote(e); err == nil {
				out = append(out, s)
			}
		}
	}
	return out
}

// parseAdvice reads an advice object. Fields of the wrong type count as not
// sent: advice is advice, and no reason to refuse the message it came with.
func parseAdvice(v []byte, sections bool) *Advice {
	a := new(Advice)
	d := jsontext.NewDecoder(bytes.NewBuffer(v), jsontext.AllowDuplicateNames(true))
	_, _ = d.ReadToken()
	for d.PeekKind() == jsontext.KindString {
		k, err := d.ReadValue()
		if err != nil {
			return a
		}
		name, _ := unquote(k)
		v, err := d.ReadValue()
		if err != nil {
			return a
		}
		a.member(name, v, sections)
	}
	return a
}

func (a *Advice) member(name string, v []byte, sections bool) {
	switch name {
	case "reconnect":
		if v[0] == '"' {
			s, _ := unquote(v)
			switch r := Reconnect(s); r {
			case Retry, Rehandshake, None:
				a.Reconnect = r
			}
		}
	case "interval":
		a.Interval = millis(v)
	case "timeout":
		a.Timeout = millis(v)
	case "maxInterval":
		a.MaxInterval = millis(v)
	case "multiple-clients":
		if b := v[0] == 't'; b || v[0] == 'f' {
			a.MultipleClients = &b
		}
	case "hosts":
		a.Hosts = stringsIn(v)
	default:
		if sections && v[0] == '{' && len(a.Sections) < maxSections {
			if a.Sections == nil {
				a.Sections = map[string]Advice{}
			}
			a.Sections[name] = *parseAdvice(v, false)
		}
	}
}

// maxSections bounds the transport-named parts of one advice: there are about
// five connectionTypes in the world.
const maxSections = 16

// millis takes a number of milliseconds, also one written as a float or in a
// string, cut to what advice may carry; nil if it is none.
func millis(v []byte) *time.Duration {
	if v[0] == '"' && len(v) > 2 {
		v = v[1 : len(v)-1]
	}
	f, err := strconv.ParseFloat(string(v), 64)
	if err != nil && !errors.Is(err, strconv.ErrRange) || f != f {
		return nil
	}
	ms := min(max(f, 0), float64(MaxAdvised.Milliseconds()))
	return Millis(time.Duration(ms * float64(time.Millisecond)))
}
