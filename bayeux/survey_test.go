package bayeux

import (
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// deepest is what deeper finds out, a byte at a time.
func deepest(b []byte) int {
	open, most, inside := 0, 0, false
	for i := 0; i < len(b); i++ {
		switch c := b[i]; {
		case inside && c == '\\':
			i++
		case c == '"':
			inside = !inside
		case inside:
		case c == '{', c == '[':
			open++
			most = max(most, open)
		case c == '}', c == ']':
			open--
		}
	}
	return most
}

// TestDeeper: whatever strings look like, and wherever in a word of eight bytes
// they end, what is in them does not count.
func TestDeeper(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	parts := []string{`{`, `[`, `}`, `]`, `"`, `\`, `\"`, `a`, "é", "!", "#", "\x80", "\xff", "[", "]", strings.Repeat("x", 9)}
	for range 20_000 {
		var b []byte
		for range rng.IntN(40) {
			b = append(b, parts[rng.IntN(len(parts))]...)
		}
		n := deepest(b)
		require.False(t, nestsDeeper(b, n), "%q is not deeper than %d", b, n)
		require.True(t, n == 0 || nestsDeeper(b, n-1), "%q is deeper than %d", b, n-1)
	}
}
