package client

import (
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

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

// TestReachedAgreesWithMatches: an event reaches each topic that its name matches,
// once, however many topics there are and whatever was removed of them.
func TestReachedAgreesWithMatches(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		name := rapid.StringMatching(`(/[ab]?){1,3}`)
		pattern := rapid.StringMatching(`(/[ab]){0,2}/\*{1,2}`)
		var ts topics
		want := map[bayeux.Channel]*topic{}
		for range rapid.IntRange(0, 80).Draw(t, "steps") {
			ch := bayeux.Channel(rapid.OneOf(name, pattern).Draw(t, "topic"))
			if one := want[ch]; one != nil {
				ts.remove(one)
				delete(want, ch)
			} else {
				want[ch] = &topic{channel: ch}
				ts.add(want[ch])
			}
		}
		ch := bayeux.Channel(rapid.OneOf(name, pattern).Draw(t, "event"))
		got := ts.appendMatching(nil, ch)
		for _, one := range want {
			times := 0
			for _, x := range got {
				if x == one {
					times++
				}
			}
			if matches := one.channel.Matches(ch); matches && times != 1 || !matches && times != 0 {
				t.Fatalf("%s reaches %s %d times", ch, one.channel, times)
			}
		}
		if ts.many == nil && ts.patterns != nil {
			t.Fatal("patterns of nothing")
		}
	})
}

// TestLongNamesCostNoMore: a server may send names of as many segments as it likes.
// To find out whom they are for takes no memory, and no longer than for short ones.
func TestLongNamesCostNoMore(t *testing.T) {
	for _, patterns := range []int{1, 1000} {
		var ts topics
		ts.add(&topic{channel: "/**"})
		for i := range patterns {
			ts.add(&topic{channel: bayeux.Channel("/c/" + strconv.Itoa(i) + "/**")})
		}
		long := bayeux.Channel("/a" + strings.Repeat("/b", 500))
		var all []*topic
		require.Zero(t, testing.AllocsPerRun(100, func() { all = ts.appendMatching(all[:0], long) }))
		require.Len(t, all, 1)
		cost := func(ch bayeux.Channel) (least time.Duration) {
			for range 20 {
				begun := time.Now()
				for range 1000 {
					all = ts.appendMatching(all[:0], ch)
				}
				if took := time.Since(begun); least == 0 || took < least {
					least = took
				}
			}
			return least
		}
		require.Less(t, cost(long), 20*cost("/a/b")+time.Millisecond)
	}
}

// TestEveryPatternIsReached: an event is for each of the patterns that cover it.
func TestEveryPatternIsReached(t *testing.T) {
	var ts topics
	for i := range 20 {
		ts.add(&topic{channel: bayeux.Channel("/x/" + strconv.Itoa(i))})
	}
	all := []bayeux.Channel{"/a/b/c", "/a/b/*", "/**", "/a/**", "/a/b/**"}
	for _, ch := range append(all, "/a/*", "/b/**", "/a/b/c/**") {
		ts.add(&topic{channel: ch})
	}
	var got []bayeux.Channel
	for _, one := range ts.appendMatching(nil, "/a/b/c") {
		got = append(got, one.channel)
	}
	require.ElementsMatch(t, all, got)
}
