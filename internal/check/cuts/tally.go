package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/turold/turold/internal/testutil/spread"
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
	return fmt.Sprintf("%d played, %d cut, %d failed; events back after %s; publishes that were out settled after %s; publishes: %s",
		t.played, t.cut, t.failed, spread.Of(t.recovery, 0.5, 0.99), spread.Of(t.settling, 0.5, 0.99), strings.Join(words, ", "))
}
