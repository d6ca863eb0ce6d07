package load

import (
	"iter"
	"math/bits"
)

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

// without yields the bits that are set here and not in other.
func (b bitset) without(other bitset) iter.Seq[int] {
	return func(yield func(int) bool) {
		for i, word := range b {
			if i < len(other) {
				word &^= other[i]
			}
			for ; word != 0; word &= word - 1 {
				if !yield(i*64 + bits.TrailingZeros64(word)) {
					return
				}
			}
		}
	}
}

// count counts the bits that are set.
func (b bitset) count() (n int) {
	for _, word := range b {
		n += bits.OnesCount64(word)
	}
	return n
}
