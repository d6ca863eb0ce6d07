package websocket

import (
	"bytes"
	"errors"
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

// TestReadAheadKeepsEveryByte reads what arrives in pieces of all sizes, into
// buffers of all sizes.
func TestReadAheadKeepsEveryByte(t *testing.T) {
	want := make([]byte, 300<<10)
	for i := range want {
		want[i] = byte(rand.Uint32())
	}
	space := make([]byte, 100_000)
	for _, piece := range []int{1, 100, readBuffer - 1, readBuffer, readBuffer + 1, 5000, readAhead, 1 << 20} {
		s := &stream{left: want, least: piece}
		b := &bounded{Conn: s, left: -1}
		var got []byte
		var err error
		for n := 0; err == nil; {
			p := space[:[]int{readBuffer, 1, 3000, readAhead, len(space)}[rand.IntN(5)]]
			n, err = b.Read(p)
			got = append(got, p[:n]...)
		}
		require.ErrorIs(t, err, io.EOF)
		require.True(t, bytes.Equal(want, got), "pieces of %d", piece)
	}
}

// TestReadAheadOnlyUnderLoad: a socket on which little comes keeps no large
// buffer, and one on which much comes does with few reads.
func TestReadAheadOnlyUnderLoad(t *testing.T) {
	p := make([]byte, readBuffer)
	idle := &bounded{Conn: &stream{left: make([]byte, 400), least: 400}, left: -1}
	_, err := idle.Read(p)
	require.Equal(t, io.EOF, err)
	require.Nil(t, idle.ahead)
	require.False(t, idle.full)

	s := &stream{left: make([]byte, 10*readAhead), least: 1 << 20}
	busy := &bounded{Conn: s, left: -1}
	for err = nil; err == nil; {
		_, err = busy.Read(p)
	}
	require.True(t, errors.Is(err, io.EOF))
	require.LessOrEqual(t, s.reads, 13)

	// Caught up: the buffer is given back with its last byte.
	s = &stream{left: make([]byte, readBuffer+100), least: 1 << 20}
	late := &bounded{Conn: s, left: -1}
	for range 2 {
		_, err = late.Read(p)
	}
	require.NoError(t, err)
	require.Nil(t, late.ahead)
	require.Equal(t, 2, s.reads)
}
