package load

import "math/bits"

// A bitset has a bit for each message of a channel.
type bitset []uint64

// set sets bit n, and reports whether it was set before.
func (b *bitset) set(n int) (before bool) {
	for len(*b) <= n/64 {
		*b = append(*b, 0)
	}
	word, bit := &(*b)[n/64], uint64(1)<<(n%64)
	before = *word&bit != 0
	*word |= bit
	return before
}

// without counts the bits that are set here and not in other.
func (b bitset) without(other bitset) (n int) {
	for i, word := range b {
		if i < len(other) {
			word &^= other[i]
		}
		n += bits.OnesCount64(word)
	}
	return n
}

// count counts the bits that are set.
func (b bitset) count() int { return b.without(nil) }
