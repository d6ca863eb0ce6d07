package spread

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestOf(t *testing.T) {
	var all []time.Duration
	for n := range 1000 {
		all = append(all, time.Duration(1000-n)*time.Millisecond)
	}
	require.Equal(t, "  1000: p50 500ms     p99 990ms     p99.9 999ms     max 1s", Of(all, 0.5, 0.99, 0.999))
	require.Equal(t, "     1: p50 12.3ms    max 12.3ms", Of([]time.Duration{12345678}, 0.5))
	require.Equal(t, "none", Of(nil, 0.5))
}
