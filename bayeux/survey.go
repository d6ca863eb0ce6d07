package bayeux

import "bytes"

// survey counts, in one pass that knows strings but not validity, the objects
// directly within the outermost brackets, and how deep brackets nest: so the
// parser never sees what is too deep, and a batch is allocated once.
func survey(b []byte) (objects, deepest int) {
	open := 0
	for i := 0; i < len(b); i++ {
		switch b[i] {
		case '"':
			i = closing(b, i+1)
		case '{':
			if open == 1 {
				objects++
			}
			open++
			deepest = max(deepest, open)
		case '[':
			open++
			deepest = max(deepest, open)
		case ']', '}':
			open--
		}
	}
	return objects, deepest
}

// closing returns the index of the quote that ends the string whose first
// byte is at i, or len(b).
func closing(b []byte, i int) int {
	for i < len(b) {
		n := bytes.IndexByte(b[i:], '"')
		if n < 0 {
			break
		}
		i += n
		if !escaped(b[:i]) {
			return i
		}
		i++
	}
	return len(b)
}

// escaped reports whether what follows b is escaped: b ends in an odd number
// of backslashes.
func escaped(b []byte) bool {
	n := len(b)
	for n > 0 && b[n-1] == '\\' {
		n--
	}
	return (len(b)-n)%2 == 1
}
