package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// A tally sums up outcomes.
type tally struct {
	played, cut, failed int
	recovery, settling  []time.Duration
	words               map[string]int
}

func (t *tally) add(o outcome) {
	t.played++
	if o.cut {
		t.cut++
	}
	if len(o.wrong) > 0 {
		t.failed++
	}
	if o.recovery >= 0 {
		t.recovery = append(t.recovery, o.recovery)
	}
	if o.settling >= 0 {
		t.settling = append(t.settling, o.settling)
	}
	if t.words == nil {
		t.words = map[string]int{}
	}
	for word, n := range o.words {
		t.words[word] += n
	}
}

// join adds the numbers of another.
func (t *tally) join(other tally) {
	t.played += other.played
	t.cut += other.cut
	t.failed += other.failed
}

func (t *tally) String() string {
	var words []string
	for _, w := range slices.Sorted(maps.Keys(t.words)) {
		words = append(words, fmt.Sprintf("%d %s", t.words[w], w))
	}
	return fmt.Sprintf("%d played, %d cut, %d failed; events back after %s; publishes out settled after %s; publishes: %s",
		t.played, t.cut, t.failed, spread(t.recovery), spread(t.settling), strings.Join(words, ", "))
}

// spread is the median, the 99th of a hundred and the greatest.
func spread(all []time.Duration) string {
	if len(all) == 0 {
		return "-"
	}
	slices.Sort(all)
	at := func(q float64) time.Duration { return all[int(q*float64(len(all)-1))].Round(time.Millisecond) }
	return fmt.Sprintf("p50 %v p99 %v max %v", at(0.5), at(0.99), at(1))
}
