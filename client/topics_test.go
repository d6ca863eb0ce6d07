package client

import (
	"math/rand/v2"
	"slices"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/turold/turold/bayeux"
)

// TestTopicsAreAMap does the same to a map of the language, also while it is gone over.
func TestTopicsAreAMap(t *testing.T) {
	var ts topics
	want := map[bayeux.Channel]*topic{}
	toggle := func(most int) {
		ch := bayeux.Channel("/" + strconv.Itoa(rand.IntN(most)))
		if one := want[ch]; one != nil {
			ts.remove(one)
			delete(want, ch)
			return
		}
		one := &topic{channel: ch}
		ts.add(one)
		want[ch] = one
	}
	for n := range 20_000 {
		most := 4 << (n / 4000) // few, and then many
		toggle(most)
		for range most {
			ch := bayeux.Channel("/" + strconv.Itoa(rand.IntN(most)))
			require.Same(t, want[ch], ts.get(ch))
		}
		all := slices.Collect(ts.all())
		require.Len(t, all, len(want))
		for _, one := range all {
			require.Same(t, want[one.channel], one)
		}
		if n%100 == 0 {
			for range ts.all() {
				toggle(most)
			}
		}
	}
}
