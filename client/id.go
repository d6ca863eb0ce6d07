package client

import (
	"crypto/rand"
	"sync"
)

// idLetters are what ids are made of: CometD takes letters and digits only. The
// first 16 are letters.
const idLetters = "abcdefghijklmnopqrstuvwxyz234567"

// idLength is that of an id: 59 bits that nobody can guess while it is out.
const idLength = 12

// randomness is read by the half kilobyte: to ask the system for each id would
// cost more than the rest of a message that leaves.
type randomness struct {
	bytes [512]byte
	left  int // bytes at the end that nobody has had
}

var randoms = sync.Pool{New: func() any { return new(randomness) }}

// newID makes the id of a message. Faye shows ids to every subscriber of what is
// published, and anybody may publish a message that looks like the reply to it;
// so an id that was seen says nothing of the next.
func newID() string {
	r := randoms.Get().(*randomness)
	defer randoms.Put(r)
	if r.left < idLength {
		_, _ = rand.Read(r.bytes[:]) // it never fails
		r.left = len(r.bytes)
	}
	raw := r.bytes[len(r.bytes)-r.left:][:idLength]
	r.left -= idLength
	var id [idLength]byte
	for i, b := range raw {
		id[i] = idLetters[b%32]
	}
	id[0] = idLetters[raw[0]%16] // a number it is not
	clear(raw)
	return string(id[:])
}
