package wire

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestWakes(t *testing.T) {
	var w Wakes
	require.False(t, w.Start(), "nothing to do")
	w.Add()
	require.True(t, w.Start())
	require.False(t, w.Start(), "one goroutine at a time")
	require.True(t, w.Take(true))
	w.Add()
	require.False(t, w.Start(), "the goroutine that runs takes it")
	require.True(t, w.Take(true))
	require.False(t, w.Take(true), "no further wake-up")
	w.Add()
	require.True(t, w.Start(), "the goroutine has ended")
	require.False(t, w.Take(false), "the pipe is closed")
}

func TestBatchLimit(t *testing.T) {
	l := BatchLimit(32 << 10)
	l.Lower(1 << 20)
	require.EqualValues(t, 16<<10, l)
	l.Lower(10_000)
	require.EqualValues(t, 5_000, l)
	l.Lower(100)
	require.EqualValues(t, MinBatch, l)
}
