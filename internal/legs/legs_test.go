package legs

import (
	"maps"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/turold/turold/transport"
)

// TestMapIsAMap does the same to a map of the language.
func TestMapIsAMap(t *testing.T) {
	var m Map[int]
	want := map[transport.LegID]int{}
	for n := range 20_000 {
		id := transport.LegID(rand.IntN(6))
		switch rand.IntN(5) {
		case 0:
			m.Delete(id)
			delete(want, id)
		case 1:
			if rand.IntN(50) == 0 {
				m.Clear()
				clear(want)
			}
		default:
			m.Set(id, n)
			want[id] = n
		}
		require.Equal(t, want[id], m.Get(id))
		require.Equal(t, len(want), m.Len())
		require.Equal(t, want, maps.Collect(m.All()))
	}
}
