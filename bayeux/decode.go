package bayeux

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
)

// A FormatError says why a frame or body is not a Bayeux batch, or why one
// message of it cannot be read. Its text quotes nothing of it; that of Err may.
type FormatError struct {
	Offset int64 // bytes from the start of the frame or body
	Reason string
	Err    error // of the JSON parser; nil if it had no objection, or was not asked
}

func (e *FormatError) Error() string {
	return fmt.Sprintf("bayeux: unreadable: %s at byte %d", e.Reason, e.Offset)
}

// Unwrap returns the JSON parser's error, which may be nil.
func (e *FormatError) Unwrap() error { return e.Err }

// ErrTooLarge is wrapped by the error of Decode, and by that of a message, for
// what exceeds the Limits.
var ErrTooLarge = errors.New("bayeux: beyond the limits")

// Decode reads one frame or body: an array of messages, or a single one
// (Bayeux section 2.4 asks for an array; some servers send an object). A byte
// order mark in front is passed over (RFC 8259 section 8.1). Data and Ext alias b,
// which must not change afterwards. An empty array gives no message and no error.
//
// A message that cannot be read costs itself and no other: in its place stands
// one whose Meta.Unreadable says why. That is so for whatever is wrong between its
// braces as long as its quotes and brackets close, bytes that are not UTF-8
// included. An error means that the messages cannot be told apart, or are too many or
// too large together; then there is none. Errors are *FormatError or wrap [ErrTooLarge].
func Decode(b []byte, l Limits) ([]Message, error) {
	l = l.WithDefaults()
	if len(b) > l.Bytes {
		return nil, fmt.Errorf("%w: %d bytes, at most %d", ErrTooLarge, len(b), l.Bytes)
	}
	d := decoders.Get().(*decoder)
	defer d.close()
	d.b, d.withAdvice = b, 0
	if text := bytes.TrimPrefix(b, byteOrderMark); utf8.Valid(text) && !nestsDeeper(text, l.Depth) {
		d.read(len(b)-len(text), len(b))
		ms, err := d.batch(l.Messages)
		if err == nil && d.end() {
			return ms, nil
		}
	}
	return d.decodeEach(l)
}

var byteOrderMark = []byte("\ufeff")

// A decoder reads one batch. It is kept for the next one, for it is larger
// than most frames are.
type decoder struct {
	jsontext.Decoder
	in             bytes.Buffer // over a part of b: a Buffer is parsed in place, so that offsets are offsets into it
	b              []byte       // the whole frame or body
	from           int          // where in b that part begins
	names          nameCache
	m              Message // the one that is read: in its place nothing is allocated before it is known how many there are
	withAdvice     int     // messages that had an advice
	lastUnreadable *Meta   // of the last that could not be read: many may have one
}

var decoders = sync.Pool{New: func() any { return new(decoder) }}

// read begins to read a part of b.
func (d *decoder) read(from, to int) {
	d.from = from
	d.in = *bytes.NewBuffer(d.b[from:to:to])
	d.Reset(&d.in, grammar...)
}

// at is the offset into b of what comes next.
func (d *decoder) at() int { return d.from + int(d.InputOffset()) }

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

// maxRetained is the largest frame that a decoder may refer to until the next one.
const maxRetained = 4 << 10

// close gives the decoder back, without a reference to b if that is large.
func (d *decoder) close() {
	if len(d.b) > maxRetained {
		d.in = bytes.Buffer{}
		d.Reset(&d.in)
	}
	d.b, d.m, d.lastUnreadable = nil, Message{}, nil
	decoders.Put(d)
}

// batch reads a batch in which nothing is wrong, and gives up at the first thing that is.
func (d *decoder) batch(limit int) ([]Message, error) {
	if d.PeekKind() == jsontext.KindBeginObject {
		ms := make([]Message, 1)
		return ms, d.message(&ms[0])
	}
	if tok, err := d.ReadToken(); err != nil || tok.Kind() != jsontext.KindBeginArray {
		return nil, errNotPlain
	}
	ms := []Message{}
	for start := d.at(); d.PeekKind() == jsontext.KindBeginObject; {
		if len(ms) == limit {
			return nil, errNotPlain
		}
		d.m = Message{}
		if err := d.message(&d.m); err != nil {
			return nil, err
		}
		if len(ms) == 0 {
			ms = make([]Message, 0, d.capacityFor(start, limit))
		}
		ms = append(ms, d.m)
	}
	if tok, err := d.ReadToken(); err != nil || tok.Kind() != jsontext.KindEndArray {
		return nil, errNotPlain
	}
	return trim(ms), nil
}

// errNotPlain makes Decode read the batch once more, message by message, which finds what
// is wrong.
var errNotPlain = errors.New("bayeux: not in order")

// trim returns ms in memory of about its size.
func trim(ms []Message) []Message {
	if cap(ms) > 2*len(ms) {
		return slices.Clone(ms)
	}
	return ms
}

// maxCapacity is the largest number of messages for which memory is taken at first.
const maxCapacity = 256

// capacityFor returns how many messages there are if all are as long as the first, which
// begins at start and has just been read.
func (d *decoder) capacityFor(start, limit int) int {
	at := d.at()
	return min(1+(len(d.b)-at)/(at-start), limit, maxCapacity)
}

// end reports whether nothing but white space follows.
func (d *decoder) end() bool { return len(bytes.TrimLeft(d.b[d.at():], whiteSpace)) == 0 }

// whiteSpace is that of JSON (RFC 8259 section 2).
const whiteSpace = " \t\r\n"

func isWhiteSpace(c byte) bool { return strings.IndexByte(whiteSpace, c) >= 0 }

const badJSON = "bad JSON"

func (d *decoder) fail(reason string, err error) error {
	at := d.at()
	var syntactic *jsontext.SyntacticError
	if errors.As(err, &syntactic) {
		at = d.from + int(syntactic.ByteOffset)
		short := *syntactic
		short.JSONPointer = "" // names of any length, in no bound
		err = &short
	}
	return &FormatError{Offset: int64(at), Reason: reason, Err: err}
}

// value returns the next value's bytes, an alias of b.
func (d *decoder) value() ([]byte, error) {
	v, err := d.ReadValue()
	if err != nil {
		return nil, d.fail(badJSON, err)
	}
	end := d.at()
	return d.b[end-len(v) : end : end], nil
}

func (d *decoder) skip() error {
	_, err := d.value()
	return err
}
