package attacks

import (
	"bytes"
	"math/rand/v2"
	"slices"
)

// rubbish is what Spoil puts between and in the place of bytes.
const rubbish = `"\{}[]:,0123456789.eE+-tfnull NaNInfinity` + "\x00\x01\n\t\x7f\x80\xc3\xe9\xed\xa0\xff\ufeff/'"

// Spoil returns a message with a few bytes changed, left out, put in or doubled.
func Spoil(r *rand.Rand, m []byte) []byte {
	at := r.IntN(len(m))
	to := min(at+1+r.IntN(4), len(m))
	var put []byte
	for range r.IntN(4) {
		put = append(put, rubbish[r.IntN(len(rubbish))])
	}
	switch r.IntN(4) {
	case 0: // in the place of others
	case 1:
		to = at // between them
	case 2:
		put = nil
	case 3: // two of the same
		put = slices.Concat(m[at:to], m[at:to])
	}
	return slices.Concat(m[:at], put, m[to:])
}

// Closes reports whether m is one object whose quotes and brackets close, and
// white space. It goes byte by byte, and knows nothing of how a client does that.
func Closes(m []byte) bool {
	m = bytes.Trim(m, " \t\r\n")
	if len(m) == 0 || m[0] != '{' {
		return false
	}
	quoted, open := false, ""
	for i := 0; i < len(m); i++ {
		c := m[i]
		switch {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '{':
			open += "}"
		case c == '[':
			open += "]"
		case c == '}' || c == ']':
			if open == "" || open[len(open)-1] != c {
				return false
			}
			if open = open[:len(open)-1]; open == "" {
				return i == len(m)-1
			}
		}
	}
	return false
}
