package hostile

// frames counts the frames of one direction of a WebSocket (RFC 6455 section
// 5.2) as their bytes go by.
type frames struct {
	n    int    // that have begun
	head []byte // of the one whose head is not complete
	left int    // bytes of the payload that are to come
}

// split gives each byte to f, with the number of its frame, from 1.
func (s *frames) split(b []byte, f func(frame int, b []byte)) {
	for len(b) > 0 {
		if s.left > 0 {
			n := min(s.left, len(b))
			f(s.n, b[:n])
			s.left -= n
			b = b[n:]
			continue
		}
		if len(s.head) == 0 {
			s.n++
		}
		s.head = append(s.head, b[0])
		f(s.n, b[:1])
		b = b[1:]
		if size, ok := payload(s.head); ok {
			s.left, s.head = size, s.head[:0]
		}
	}
}

// payload is the length of what follows a head, if that is complete.
func payload(head []byte) (size int, ok bool) {
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
