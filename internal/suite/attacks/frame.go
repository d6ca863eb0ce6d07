package attacks

import (
	"encoding/binary"
	"errors"
	"io"
)

// The first bytes of frames (RFC 6455 section 5.2).
const (
	fin   = 0x80
	text  = 0x1
	more  = 0x0 // a continuation
	bin   = 0x2
	bye   = 0x8
	ping  = 0x9
	pong  = 0xA
	heavy = 64 << 20 // the longest frame that the server reads
)

// head is what stands before a payload of n bytes, unmasked.
func head(first byte, n int) string {
	switch {
	case n < 126:
		return string([]byte{first, byte(n)})
	case n < 1<<16:
		return string(binary.BigEndian.AppendUint16([]byte{first, 126}, uint16(n)))
	}
	return string(binary.BigEndian.AppendUint64([]byte{first, 127}, uint64(n)))
}

// frame is a whole frame.
func frame(first byte, payload string) string { return head(first, len(payload)) + payload }

// readFrame reads a frame of a client.
func readFrame(r io.Reader) (opcode byte, payload []byte, err error) {
	var h [2]byte
	if _, err = io.ReadFull(r, h[:]); err != nil {
		return 0, nil, err
	}
	n := uint64(h[1] & 0x7f)
	for long := map[uint64]int{126: 2, 127: 8}[n]; long > 0; {
		b := make([]byte, 8)
		if _, err = io.ReadFull(r, b[8-long:]); err != nil {
			return 0, nil, err
		}
		n, long = binary.BigEndian.Uint64(b), 0
	}
	if n > heavy {
		return 0, nil, errors.New("attacks: the client sent a frame that is too long")
	}
	var mask [4]byte
	if h[1]&0x80 != 0 {
		if _, err = io.ReadFull(r, mask[:]); err != nil {
			return 0, nil, err
		}
	}
	payload = make([]byte, n)
	_, err = io.ReadFull(r, payload)
	for i := range payload {
		payload[i] ^= mask[i%4]
	}
	return h[0] & 0xf, payload, err
}
