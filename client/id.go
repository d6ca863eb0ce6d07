package client

import (
	crypto "crypto/rand"
	"math/rand/v2"
	"sync"
)

// idLetters are what ids are made of: CometD takes letters and digits only. The
// first 16 are letters.
const idLetters = "abcdefghijklmnopqrstuvwxyz234567"

// idLength is the length of an id: 59 bits, which no publisher can guess while it is out.
const idLength = 12

// idGenerators are cryptographically strong, each seeded by the system once: to ask the
// system for each id would cost more than the rest of a message that leaves.
var idGenerators = sync.Pool{New: func() any {
	var seed [32]byte
	_, _ = crypto.Read(seed[:]) // it never fails
	return rand.NewChaCha8(seed)
}}

// newID makes the id of a message. Faye shows ids to every subscriber of what is
// published, and any subscriber may publish a message that looks like the reply to it;
// so an id that was seen says nothing of the next.
func newID() string {
	g := idGenerators.Get().(*rand.ChaCha8)
	bits := g.Uint64()
	idGenerators.Put(g)
	var id [idLength]byte
	id[0] = idLetters[bits%16] // a letter, so that no id is a number
	bits >>= 4
	for i := 1; i < idLength; i++ {
		id[i] = idLetters[bits%32]
		bits >>= 5
	}
	return string(id[:])
}
