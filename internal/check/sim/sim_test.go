package main

import (
	"os"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/turold/turold/client"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// TestSchedules plays some; the program plays as many as one likes.
func TestSchedules(t *testing.T) {
	options{first: 1, seeds: 40, workers: 2}.run(t)
}

// TestCorpus plays the seeds that once failed.
func TestCorpus(t *testing.T) {
	text, err := os.ReadFile("testdata/seeds")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		if word, _, _ := strings.Cut(line, " "); word != "#" {
			seed, err := strconv.ParseUint(word, 10, 64)
			if err != nil {
				t.Fatal(err)
			}
			t.Run(word, func(t *testing.T) { play(t, seed, options{}, newTally()) })
		}
	}
}

// TestASeedReplaysAlike: by a runtime without chance everything is in the seed.
func TestASeedReplaysAlike(t *testing.T) {
	if !strings.HasPrefix(runtime.Version(), runtimeOf) {
		t.Skipf("replay changes the text of the runtime of %s, and this is %s", runtimeOf, runtime.Version())
	}
	t.Chdir("../../..")
	sums := func() []string {
		var out strings.Builder
		failed, err := options{first: 3, seeds: 4, workers: 2, digests: true}.replay(&out)
		require.NoError(t, err, out.String())
		require.Empty(t, failed, out.String())
		all := regexp.MustCompile(`(?m)^digest .*`).FindAllString(out.String(), -1)
		slices.Sort(all)
		return all
	}
	first := sums()
	require.Len(t, first, 4)
	require.Equal(t, first, sums())
}

// TestOracleFindsWhatIsWrong: an account that is not in order is not let pass.
func TestOracleFindsWhatIsWrong(t *testing.T) {
	for name, c := range map[string]struct {
		strict bool
		events []int // -1: a gap of unknown size; -2: one of a single event
		wrong  bool
	}{
		"in order":               {true, []int{4, 5, 6}, false},
		"one is missing":         {true, []int{4, 6}, true},
		"and that was told":      {true, []int{4, -1, 6}, false},
		"and the number":         {true, []int{4, -2, 6}, false},
		"and a smaller number":   {true, []int{4, -2, 7}, true},
		"twice":                  {true, []int{4, 4}, true},
		"out of order":           {true, []int{4, 6, 5}, true},
		"told too late":          {true, []int{4, 6, -1}, true},
		"no order":               {false, []int{4, 6, 5, 7}, false},
		"no order, missing":      {false, []int{4, 6, 7}, true},
		"no order, twice":        {false, []int{4, 6, 5, 5}, true},
		"no order, told":         {false, []int{4, -1, 6, 7}, false},
		"no order, told later":   {false, []int{4, 6, -1, 7}, false},
		"no order, and it comes": {false, []int{4, 6, -1, 7, 5}, false},
	} {
		synctest.Test(t, func(t *testing.T) {
			a := account{strict: c.strict, last: -1, holes: map[int]*hole{}}
			var wrong bool
			for _, n := range c.events {
				switch n {
				case -1:
					a.gap(gapOf(-1))
				case -2:
					a.gap(gapOf(1))
				default:
					wrong = a.take(n) != nil || wrong
				}
			}
			time.Sleep(2 * onItsWay)
			if wrong = a.settle() != nil || wrong; wrong != c.wrong {
				t.Error(name, c.events, "wrong:", wrong)
			}
		})
	}
}

func gapOf(missed int) *client.GapError { return &client.GapError{Missed: missed} }
