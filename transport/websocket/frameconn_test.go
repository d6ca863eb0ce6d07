package websocket

import (
	"bytes"
	"encoding/binary"
	"io"
	"math/rand/v2"
	"net"
	"testing"

	"github.com/stretchr/testify/require"
)

// A stream gives out what it has, as much as is asked for, and counts.
type stream struct {
	net.Conn
	left  []byte
	least int // of a read, unless less is left
	reads int
}

func (s *stream) Read(p []byte) (int, error) {
	s.reads++
	if len(s.left) == 0 {
		return 0, io.EOF
	}
	n := copy(p[:min(len(p), max(s.least, 1))], s.left)
	s.left = s.left[n:]
	if len(s.left) == 0 { // as TLS does
		return n, io.EOF
	}
	return n, nil
}

func newInflow(s *stream) *frameConn {
	b := &rawConn{Conn: s}
	return &frameConn{Conn: b, raw: b, headerLeft: -1}
}

// frame is a frame as a server sends it.
func frame(first byte, payload []byte) []byte {
	b := []byte{first}
	switch n := len(payload); {
	case n < 126:
		b = append(b, byte(n))
	case n < 1<<16:
		b = binary.BigEndian.AppendUint16(append(b, 126), uint16(n))
	default:
		b = binary.BigEndian.AppendUint64(append(b, 127), uint64(n))
	}
	return append(b, payload...)
}

// traffic is frames of all kinds and sizes, one message after another; ends are
// the places behind headers and frames, over those behind messages.
func traffic(bytes int) (all []byte, ends, over map[int]bool) {
	ends, over = map[int]bool{}, map[int]bool{}
	add := func(first byte, last bool, size int) {
		payload := make([]byte, size)
		for i := range payload {
			payload[i] = byte(rand.Uint32())
		}
		f := frame(first, payload)
		ends[len(all)+len(f)-size] = true
		all = append(all, f...)
		ends[len(all)] = true
		over[len(all)] = last
	}
	size := func() int { return []int{0, 1, 125, 126, 300, 5000, 1 << 16, 1<<16 + 1}[rand.IntN(8)] }
	for len(all) < bytes {
		switch rand.IntN(3) {
		case 0:
			add(0x8a, true, rand.IntN(126)) // a pong
		case 1:
			add(0x81, true, size())
		default: // a ping between the fragments of a message
			add(0x01, false, size())
			add(0x89, false, rand.IntN(126))
			add(0x00, false, size())
			add(0x80, true, size())
		}
	}
	return all, ends, over
}

// TestInflowKeepsEveryByte reads what arrives in pieces of all sizes, into
// buffers of all sizes, and never beyond the end of a frame.
func TestInflowKeepsEveryByte(t *testing.T) {
	space := make([]byte, 100_000)
	for _, piece := range []int{1, 100, smallBuffer - 1, smallBuffer, smallBuffer + 1, 5000, largeBuffer, 1 << 20} {
		want, ends, over := traffic(300 << 10)
		in := newInflow(&stream{left: want, least: piece})
		var got []byte
		for at := 0; ; {
			if over[at] || at == 0 {
				require.True(t, in.scanner.betweenMessages(), "at %d", at)
				if in.isEmpty() {
					in.fill()
				}
			}
			n, err := in.Read(space[:[]int{125, 1, 3000, largeBuffer, len(space)}[rand.IntN(5)]])
			got = append(got, space[:n]...)
			if err != nil {
				require.ErrorIs(t, err, io.EOF)
				break
			}
			for end := at + 1; end < at+n; end++ {
				require.False(t, ends[end], "a read of %d at %d went beyond %d", n, at, end)
			}
			at += n
		}
		require.False(t, in.gaveBlank)
		require.True(t, bytes.Equal(want, got), "pieces of %d", piece)
	}
}

// TestInflowNeverWaitsBetweenMessages: what nothing is there for is answered with
// an empty message.
func TestInflowNeverWaitsBetweenMessages(t *testing.T) {
	p := make([]byte, 125)
	s := &stream{left: append(frame(0x8a, []byte("1")), frame(0x81, []byte("[]"))...), least: 1}
	in := newInflow(s)
	read := func(want string) {
		n, err := in.Read(p)
		require.NoError(t, err)
		require.Equal(t, want, string(p[:n]))
	}
	in.fill()
	read("\x8a")
	read("\x01") // inside a frame it does wait
	read("1")
	reads := s.reads
	read(blankFrame)
	require.True(t, in.gaveBlank)
	require.Equal(t, reads, s.reads)
	in.fill()
	read("\x81")
}

// TestReadAheadOnlyUnderLoad: a socket on which nothing is left keeps no buffer,
// and one on which much comes does with few reads.
func TestReadAheadOnlyUnderLoad(t *testing.T) {
	p := make([]byte, 125)
	idle := newInflow(&stream{left: frame(0x81, make([]byte, 100)), least: 400})
	idle.fill()
	for idle.scanner.payloadLeft > 0 || idle.scanner == (frameScanner{}) {
		_, err := idle.Read(p)
		require.NoError(t, err)
	}
	require.Nil(t, idle.buf)
	require.False(t, idle.filled)

	s := &stream{left: frame(0x81, make([]byte, 10*largeBuffer)), least: 1 << 20}
	busy := newInflow(s)
	for busy.fill(); !busy.isEmpty() || busy.scanner.payloadLeft > 0; {
		if _, err := busy.Read(p); err != nil {
			require.ErrorIs(t, err, io.EOF)
			break
		}
	}
	require.LessOrEqual(t, s.reads, 13)
}
