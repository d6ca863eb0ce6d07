package hostile

// frameCounter counts the frames of one direction of a WebSocket (RFC 6455 section
// 5.2) as their bytes go by.
type frameCounter struct {
	count       int    // frames that have begun
	head        []byte // what is there of a head that is not complete
	payloadLeft int    // bytes of the payload that are to come
}

// each calls f with the parts of b and the number of the frame that each part belongs
// to, counted from 1.
func (s *frameCounter) each(b []byte, f func(frame int, b []byte)) {
	for len(b) > 0 {
		if s.payloadLeft > 0 {
			n := min(s.payloadLeft, len(b))
			f(s.count, b[:n])
			s.payloadLeft -= n
			b = b[n:]
			continue
		}
		if len(s.head) == 0 {
			s.count++
		}
		s.head = append(s.head, b[0])
		f(s.count, b[:1])
		b = b[1:]
		if size, ok := payloadLen(s.head); ok {
			s.payloadLeft, s.head = size, s.head[:0]
		}
	}
}

// payloadLen returns the length of the payload behind a head, if the head is complete.
func payloadLen(head []byte) (size int, ok bool) {
	if len(head) < 2 {
		return 0, false
	}
	masked, size := head[1]&0x80 != 0, int(head[1]&0x7f)
	want := 2
	long := 0
	switch size {
	case 126:
		long = 2
	case 127:
		long = 8
	}
	want += long
	if masked {
		want += 4
	}
	if len(head) < want {
		return 0, false
	}
	if long > 0 {
		size = 0
		for _, b := range head[2 : 2+long] {
			size = size<<8 | int(b)
		}
	}
	return size, true
}
