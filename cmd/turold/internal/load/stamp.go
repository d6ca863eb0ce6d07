package load

import (
	"encoding/json"
	"strconv"
	"strings"
	"time"
)

// A stamp is what a message says of itself.
type stamp struct {
	seq int           // the message's place in its channel
	at  time.Duration // when it was to leave, since the start of the publishing
}

// A payload is a message's data. Its one member is a string, because servers
// write an object's members in an order of their own.
type payload struct {
	Load string `json:"load"` // run, seq, nanoseconds, padding
}

// data is the message's data, padded to size bytes.
func (s stamp) data(run string, size int) json.RawMessage {
	b := make([]byte, 0, max(size, 96))
	b = append(b, `{"load":"`...)
	b = append(b, run...)
	for _, n := range []int64{int64(s.seq), int64(s.at)} {
		b = append(b, ' ')
		b = strconv.AppendInt(b, n, 10)
	}
	b = append(b, ' ')
	for len(b) < size-2 {
		b = append(b, 'x')
	}
	return append(b, `"}`...)
}

// parseStamp reads data that may have come from anybody; ok: it is of this run.
func parseStamp(run string, data []byte) (s stamp, ok bool) {
	var p payload
	if json.Unmarshal(data, &p) != nil {
		return s, false
	}
	rest, ok := strings.CutPrefix(p.Load, run+" ")
	if !ok {
		return s, false
	}
	var n [2]int64
	for i := range n {
		var field string
		field, rest, _ = strings.Cut(rest, " ")
		v, err := strconv.ParseInt(field, 10, 64)
		if err != nil || v < 0 {
			return s, false
		}
		n[i] = v
	}
	return stamp{int(n[0]), time.Duration(n[1])}, true
}
