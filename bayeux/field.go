package bayeux

import (
	"bytes"
	"errors"
	"slices"

	"github.com/go-json-experiment/json/jsontext"
)

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

// reserved names the field of a key. Keys are compared exactly (Bayeux
// section 2.3).
func reserved(key []byte) field {
	switch string(key) {
	case "channel":
		return fChannel
	case "id":
		return fID
	case "clientId":
		return fClientID
	case "data":
		return fData
	case "ext":
		return fExt
	case "successful":
		return fSuccessful
	case "error":
		return fError
	case "advice":
		return fAdvice
	case "subscription":
		return fSubscription
	case "connectionType":
		return fConnectionType
	case "supportedConnectionTypes":
		return fSupported
	case "version":
		return fVersion
	case "minimumVersion":
		return fMinimumVersion
	}
	return fUnknown
}

// key reads a member's name and undoes its escapes, so that an escaped key is
// the same key.
func (d *decoder) key() ([]byte, error) {
	v, err := d.value()
	if err != nil {
		return nil, err
	}
	if bytes.IndexByte(v, '\\') < 0 {
		return v[1 : len(v)-1], nil
	}
	return unescape(v), nil
}

// unescape returns what a valid JSON string says. A lone surrogate, which no
// Go string can say, turns into U+FFFD; that is all AppendUnquote could object
// to, and it goes on behind it.
func unescape(quoted []byte) []byte {
	b, _ := jsontext.AppendUnquote(nil, quoted)
	return b
}

func unquote(quoted []byte) string {
	if bytes.IndexByte(quoted, '\\') < 0 {
		return string(quoted[1 : len(quoted)-1])
	}
	return string(unescape(quoted))
}

// text takes a string; a number too, in its own digits, where servers are
// known to send one.
func (d *decoder) text(number bool) (string, error) {
	v, err := d.value()
	if err != nil {
		return "", err
	}
	return textOf(v, number)
}

// errWrongType is returned for a value of a kind that its key does not take.
var errWrongType = errors.New("bayeux: a value of the wrong kind")

func textOf(v []byte, number bool) (string, error) {
	switch {
	case v[0] == '"':
		return unquote(v), nil
	case number && numeric(v):
		return string(v), nil
	}
	return "", errWrongType
}

// numeric reports whether a valid JSON value, or a string that may be one, is
// a number by its first byte.
func numeric(v []byte) bool {
	return len(v) > 0 && (v[0] == '-' || '0' <= v[0] && v[0] <= '9')
}

// texts takes an array's strings and passes over everything else in it; a
// value that is no array has none.
func texts[S ~string](d *decoder) (all []S, err error) {
	if d.PeekKind() != jsontext.KindBeginArray {
		return nil, d.skip()
	}
	if _, err := d.ReadToken(); err != nil {
		return nil, d.fail(badJSON, err)
	}
	for d.PeekKind() != jsontext.KindEndArray {
		v, err := d.value()
		if err != nil {
			return nil, err
		}
		if v[0] == '"' {
			all = append(all, S(unquote(v)))
		}
	}
	if _, err := d.ReadToken(); err != nil {
		return nil, d.fail(badJSON, err)
	}
	return slices.Clone(all), nil // in memory of its size
}
