package websocket

import (
	"encoding/binary"
	"math"
)

// A frameScanner finds the ends of frames (RFC 6455 section 5.2) in the bytes that it
// is shown. It checks nothing else: gorilla does.
type frameScanner struct {
	head        [14]byte
	headerLen   int   // bytes of a header that is not whole yet
	payloadLeft int64 // bytes of the payload that are to come
	inMessage   bool  // the message goes on in another frame
}

// betweenMessages reports whether a message has ended and the next one has not begun.
func (s *frameScanner) betweenMessages() bool {
	return s.headerLen == 0 && s.payloadLeft == 0 && !s.inMessage
}

// advance moves on to the end of the header or of the frame, whichever is first in b,
// and returns how many bytes of b that takes.
func (s *frameScanner) advance(b []byte) int {
	if s.payloadLeft > 0 {
		n := min(int64(len(b)), s.payloadLeft)
		s.payloadLeft -= n
		return int(n)
	}
	for i, c := range b {
		s.head[s.headerLen] = c
		s.headerLen++
		if s.headerLen >= 2 && s.headerLen == s.headerSize() {
			s.startPayload()
			return i + 1
		}
	}
	return len(b)
}

// headerSize returns the size of the header, whose first two bytes must be there.
func (s *frameScanner) headerSize() int {
	n := 2
	switch s.head[1] & 0x7f {
	case 126:
		n += 2
	case 127:
		n += 8
	}
	if s.head[1]&0x80 != 0 { // a mask
		n += 4
	}
	return n
}

// startPayload reads the length of the payload from a whole header.
func (s *frameScanner) startPayload() {
	s.headerLen = 0
	switch n := s.head[1] & 0x7f; n {
	case 126:
		s.payloadLeft = int64(binary.BigEndian.Uint16(s.head[2:]))
	case 127:
		s.payloadLeft = int64(min(binary.BigEndian.Uint64(s.head[2:]), math.MaxInt64))
	default:
		s.payloadLeft = int64(n)
	}
	if control := s.head[0]&0x08 != 0; !control {
		s.inMessage = s.head[0]&0x80 == 0
	}
}
