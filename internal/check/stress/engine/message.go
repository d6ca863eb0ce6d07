package engine

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
)

// An ID names a publish: who, and the how manyth of it. Publisher 0 is the
// engine itself, which says by it that a round is over.
type ID struct{ Publisher, N int }

func (id ID) String() string { return fmt.Sprintf("%d.%d", id.Publisher, id.N) }

// mark is what stands before an ID in the data, wherever bytes are looked at.
const mark = `{"e":"`

// payload is the data of a publish, of about so many bytes.
func payload(id ID, size int) json.RawMessage {
	return json.RawMessage(fmt.Sprintf(`%s%v","x":"%s"}`, mark, id, strings.Repeat("x", size)))
}

// ParseID finds the ID in the data of a publish.
func ParseID(data []byte) (id ID, ok bool) {
	b, found := bytes.CutPrefix(data, []byte(mark))
	if !found {
		var v struct{ E string } // a server may have written the members anew
		if json.Unmarshal(data, &v) != nil {
			return id, false
		}
		b = []byte(v.E + `"`)
	}
	id, _, ok = cutID(b)
	return id, ok
}

// cutID reads an ID and the quotation mark behind it.
func cutID(b []byte) (id ID, rest []byte, ok bool) {
	number := func(end byte) (n int) {
		i := 0
		for i < len(b) && '0' <= b[i] && b[i] <= '9' {
			n = 10*n + int(b[i]-'0')
			i++
		}
		if ok = i > 0 && i < len(b) && b[i] == end; ok {
			b = b[i+1:]
		}
		return n
	}
	id.Publisher = number('.')
	if !ok {
		return id, nil, false
	}
	id.N = number('"')
	return id, b, ok
}

// A scanner finds IDs in a stream of bytes.
type scanner struct{ tail []byte }

const longestID = len(mark) + 2*20 + 2

// scan notes which IDs the next bytes complete.
func (s *scanner) scan(t *trace, b []byte, what string, where int) {
	if t == nil {
		return
	}
	b = append(s.tail, b...)
	for {
		i := bytes.Index(b, []byte(mark))
		if i < 0 {
			break
		}
		id, rest, ok := cutID(b[i+len(mark):])
		if !ok && len(b)-i < longestID {
			b = b[i:]
			break
		}
		if ok {
			t.saw(id, what, where)
			b = rest
		} else {
			b = b[i+len(mark):]
		}
	}
	s.tail = bytes.Clone(b[max(0, len(b)-longestID):])
}
