package bayeux

import (
	"bytes"
	"encoding/binary"
)

// nestsDeeper reports whether brackets nest deeper than most, in one pass that knows
// strings but not validity: so the parser never sees what is too deep. Most
// frames have not even as many.
func nestsDeeper(b []byte, most int) bool {
	if bytes.Count(b, opening[:1])+bytes.Count(b, opening[1:]) <= most {
		return false
	}
	open := 0
	for i := 0; i < len(b); i++ {
		switch by := brackets[b[i]]; by {
		case 0:
		case quote:
			i = endOfString(b, i+1)
		default:
			if open += int(by); open > most {
				return true
			}
		}
	}
	return false
}

const quote = 2

var (
	opening  = []byte("{[")
	brackets = [256]int8{'{': 1, '[': 1, '}': -1, ']': -1, '"': quote}
)

// endOfString returns the index of the quote that ends the string whose first
// byte is at i, or more than there is.
func endOfString(b []byte, i int) int {
	for i+8 <= len(b) && noQuoteOrBackslash(binary.LittleEndian.Uint64(b[i:])) {
		i += 8
	}
	for i < len(b) && b[i] != '"' {
		if b[i] == '\\' {
			i++
		}
		i++
	}
	return i
}

// noQuoteOrBackslash reports whether none of eight bytes is a quote or a backslash: a byte
// that is zero after the exclusive or is the only one that borrows into its
// highest bit. One above another that does may as well; it is then looked at.
func noQuoteOrBackslash(x uint64) bool {
	const ones, high = 0x0101010101010101, 0x8080808080808080
	quotes, slashes := x^(ones*'"'), x^(ones*'\\')
	return ((quotes-ones)&^quotes|(slashes-ones)&^slashes)&high == 0
}
