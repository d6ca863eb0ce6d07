package websocket

import (
	"encoding/binary"
	"math"
)

// A framing follows the frames of RFC 6455 section 5.2 in what it is shown. It
// only finds their ends: what a frame must be is gorilla's to check.
type framing struct {
	head [14]byte
	have int   // bytes of a header that is not whole yet
	left int64 // bytes of the payload that are to come
	open bool  // the message goes on in another frame
}

// between reports that a message is over, and the next one has not begun.
func (f *framing) between() bool { return f.have == 0 && f.left == 0 && !f.open }

// pass moves on by what b begins with, and returns how much that is: up to the
// end of the header, or of the frame.
func (f *framing) pass(b []byte) int {
	if f.left > 0 {
		n := min(int64(len(b)), f.left)
		f.left -= n
		return int(n)
	}
	for i, c := range b {
		f.head[f.have] = c
		f.have++
		if f.have >= 2 && f.have == f.size() {
			f.begin()
			return i + 1
		}
	}
	return len(b)
}

// size is that of the header, whose first two bytes are there.
func (f *framing) size() int {
	n := 2
	switch f.head[1] & 0x7f {
	case 126:
		n += 2
	case 127:
		n += 8
	}
	if f.head[1]&0x80 != 0 { // a mask
		n += 4
	}
	return n
}

// begin takes the payload's length from a whole header.
func (f *framing) begin() {
	f.have = 0
	switch n := f.head[1] & 0x7f; n {
	case 126:
		f.left = int64(binary.BigEndian.Uint16(f.head[2:]))
	case 127:
		f.left = int64(min(binary.BigEndian.Uint64(f.head[2:]), math.MaxInt64))
	default:
		f.left = int64(n)
	}
	if control := f.head[0]&0x08 != 0; !control {
		f.open = f.head[0]&0x80 == 0
	}
}
