package bayeux

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"sync"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
)

// A FormatError says why a frame or body is not a Bayeux batch. Its text
// quotes nothing of it; that of Err may.
type FormatError struct {
	Offset int64 // bytes from the start of the frame or body
	Reason string
	Err    error // of the JSON parser; nil if the JSON was well formed
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
	if !utf8.Valid(b) {
		return nil, &FormatError{Reason: "not UTF-8"}
	}
	if deeper(b, l.Depth) {
		return nil, fmt.Errorf("%w: nested deeper than %d", ErrTooLarge, l.Depth)
	}
	d := open(b)
	defer d.close()
	ms, err := d.batch(l.Messages)
	if err == nil {
		err = d.end()
	}
	if err != nil {
		return nil, err
	}
	return ms, nil
}

// A decoder reads one batch. It is kept for the next one, for it is larger
// than most frames are.
type decoder struct {
	jsontext.Decoder
	in      bytes.Buffer // over b: a Buffer is parsed in place, so that offsets are offsets into b
	b       []byte
	names   names
	m       Message // the one that is read: in its place nothing is allocated before it is known how many there are
	advised int     // messages that had an advice
}

var decoders = sync.Pool{New: func() any { return new(decoder) }}

func open(b []byte) *decoder {
	d := decoders.Get().(*decoder)
	d.b, d.in, d.advised = b, *bytes.NewBuffer(b), 0
	d.Reset(&d.in, grammar...)
	return d
}

// grammar is RFC 8259 and no more. Names may repeat inside data, which is the
// application's; reserved keys are counted by hand. Of invalid UTF-8 only lone
// surrogates are left here, which are grammatical as escapes, and which Faye's
// JSON.stringify writes: to refuse them would let one publisher end the session
// of every subscriber.
var grammar = []jsontext.Options{jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true)}

// ValidValue reports whether b can be the Data or Ext of a Message: one JSON
// value in UTF-8, by the rules of [Decode]. In a text frame of a WebSocket anything
// that is not UTF-8 would end the connection (RFC 6455 section 8.1).
func ValidValue(b []byte) bool {
	return utf8.Valid(b) && jsontext.Value(b).IsValid(grammar...)
}

// keptBytes is the largest frame that a decoder may refer to until the next one.
const keptBytes = 4 << 10

// close gives the decoder back, without a reference to b if that is large.
func (d *decoder) close() {
	if len(d.b) > keptBytes {
		d.in = bytes.Buffer{}
		d.Reset(&d.in)
	}
	d.b, d.m = nil, Message{}
	decoders.Put(d)
}

func (d *decoder) batch(limit int) ([]Message, error) {
	kind := d.PeekKind()
	if kind == jsontext.KindBeginObject {
		ms := make([]Message, 1)
		return ms, d.message(&ms[0])
	}
	tok, err := d.ReadToken()
	if err != nil || tok.Kind() != jsontext.KindBeginArray {
		return nil, d.fail("neither an array nor an object", err)
	}
	ms := []Message{}
	for start := d.InputOffset(); d.PeekKind() == jsontext.KindBeginObject; {
		if len(ms) == limit {
			return nil, fmt.Errorf("%w: more than %d messages", ErrTooLarge, limit)
		}
		d.m = Message{}
		if err := d.message(&d.m); err != nil {
			return nil, err
		}
		if len(ms) == 0 {
			ms = make([]Message, 0, d.room(start, limit))
		}
		ms = append(ms, d.m)
	}
	tok, err = d.ReadToken()
	switch {
	case err != nil:
		return nil, d.fail(badJSON, err)
	case tok.Kind() != jsontext.KindEndArray:
		return nil, d.fail("something that is no object in the array", nil)
	}
	if cap(ms) > 2*len(ms) {
		ms = slices.Clone(ms)
	}
	return ms, nil
}

// mostRoom is for how many messages there is room at first.
const mostRoom = 256

// room is how many messages there are if all are as long as the first, which
// begins at start and has just been read.
func (d *decoder) room(start int64, limit int) int {
	at := d.InputOffset()
	return min(1+int((int64(len(d.b))-at)/(at-start)), limit, mostRoom)
}

// end makes sure that nothing but white space follows.
func (d *decoder) end() error {
	if len(bytes.TrimLeft(d.b[d.InputOffset():], " \t\r\n")) > 0 {
		return d.fail("something behind the batch", nil)
	}
	return nil
}

const badJSON = "bad JSON"

func (d *decoder) fail(reason string, err error) error {
	at := d.InputOffset()
	var syntactic *jsontext.SyntacticError
	if errors.As(err, &syntactic) {
		at = syntactic.ByteOffset
	}
	return &FormatError{Offset: at, Reason: reason, Err: err}
}

// value returns the next value's bytes, an alias of b.
func (d *decoder) value() ([]byte, error) {
	v, err := d.ReadValue()
	if err != nil {
		return nil, d.fail(badJSON, err)
	}
	end := int(d.InputOffset())
	return d.b[end-len(v) : end : end], nil
}

func (d *decoder) skip() error {
	_, err := d.value()
	return err
}
