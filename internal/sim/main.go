package main

import (
	"flag"
	"fmt"
	"log/slog"
	"maps"
	"math"
	"os"
	"os/signal"
	"runtime/debug"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

func main() {
	o := options{}
	flag.Uint64Var(&o.first, "first", 1, "the first seed")
	flag.Uint64Var(&o.seeds, "seeds", 1000, "how many")
	flag.IntVar(&o.workers, "workers", 2, "schedules at a time")
	flag.BoolVar(&o.verbose, "v", false, "log what happens")
	flag.Parse()
	debug.SetGCPercent(400) // schedules leave nothing behind, but for 200 bytes that testing keeps of each; a larger heap is no faster, for it is in no cache
	o.interrupted = make(chan os.Signal, 1)
	signal.Notify(o.interrupted, os.Interrupt, syscall.SIGTERM)
	// testing/synctest wants a test: this program is one.
	every := func(string, string) (bool, error) { return true, nil }
	testing.Main(every, []testing.InternalTest{{Name: "sim", F: o.run}}, nil, nil)
}

// often is after how many schedules it says how far it is.
const often = 5000

type options struct {
	first, seeds uint64
	workers      int
	verbose      bool
	interrupted  chan os.Signal
}

// run plays the seeds and prints what came of it.
func (o options) run(t *testing.T) {
	begun, total := time.Now(), newTally()
	var mu sync.Mutex
	var failed []uint64
	var played atomic.Uint64
	t.Cleanup(func() { print(played.Load(), time.Since(begun), failed, total) })
	var next atomic.Uint64
	next.Store(o.first)
	if o.interrupted != nil {
		go func() {
			<-o.interrupted
			next.Store(math.MaxUint64) // what was begun is ended, and the rest is left
		}()
	}
	for n := range o.workers {
		t.Run(strconv.Itoa(n), func(t *testing.T) {
			t.Parallel()
			for seed := next.Add(1) - 1; seed < o.first+o.seeds; seed = next.Add(1) - 1 {
				if n := played.Add(1); n%often == 0 {
					fmt.Fprintf(os.Stderr, "%d schedules in %v\n", n, time.Since(begun).Round(time.Second))
				}
				if !t.Run(strconv.FormatUint(seed, 10), func(t *testing.T) { play(t, seed, o.verbose, total) }) {
					mu.Lock()
					failed = append(failed, seed)
					mu.Unlock()
				}
			}
		})
	}
}

func print(played uint64, took time.Duration, failed []uint64, total *tally) {
	for _, name := range slices.Sorted(maps.Keys(total.counts)) {
		fmt.Printf("%9d  %s\n", total.counts[name], name)
	}
	fmt.Printf("%d schedules in %v, %.0f a second, %v of virtual time; %d failed\n", played, took.Round(time.Second),
		float64(played)/took.Seconds(), total.virtual.Round(time.Hour), len(failed))
	slices.Sort(failed)
	for _, seed := range failed {
		fmt.Println("failed:", seed)
	}
}

// play plays one schedule in a bubble.
func play(t *testing.T, seed uint64, verbose bool, total *tally) {
	synctest.Test(t, func(t *testing.T) {
		log := slog.New(slog.DiscardHandler)
		if verbose {
			log = slog.New(slog.NewTextHandler(os.Stdout, &slog.HandlerOptions{Level: slog.LevelDebug}))
		}
		begun := time.Now()
		own := newTally()
		newWorld(t, seed, log, own).play()
		own.virtual = time.Since(begun)
		total.add(own)
	})
}

// A tally counts what happened. It is safe for concurrent use.
type tally struct {
	mu      sync.Mutex
	counts  map[string]int
	virtual time.Duration
}

func newTally() *tally { return &tally{counts: map[string]int{}} }

func (t *tally) count(what string, n int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.counts[what] += n
}

func (t *tally) add(other *tally) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for what, n := range other.counts {
		t.counts[what] += n
	}
	t.virtual += other.virtual
}
