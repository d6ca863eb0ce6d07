package main

import (
	"flag"
	"fmt"
	"io"
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
	"testing/cryptotest"
	"testing/synctest"
	"time"
)

func main() {
	o := options{}
	flag.Uint64Var(&o.first, "first", 1, "the first seed")
	flag.Uint64Var(&o.seeds, "seeds", 1000, "how many")
	flag.IntVar(&o.workers, "workers", 2, "schedules at a time")
	flag.BoolVar(&o.verbose, "v", false, "log what happens")
	again := flag.Bool("replay", false, "play by a runtime without chance, each seed in a process of its own: as often alike as one likes")
	flag.BoolVar(&o.digests, "digests", false, "print what sums up each schedule")
	flag.Parse()
	if *again {
		failed, err := o.replay(os.Stdout)
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
		}
		if err != nil || len(failed) > 0 {
			os.Exit(1)
		}
		return
	}
	if chanceless == "" { // there a collection would have goroutines run in another order
		debug.SetGCPercent(400)
	}
	// schedules leave nothing behind, but for 200 bytes that testing keeps of each; a larger heap is no faster, for it is in no cache
	o.interrupted = make(chan os.Signal, 1)
	signal.Notify(o.interrupted, os.Interrupt, syscall.SIGTERM)
	// testing/synctest wants a test: this program is one.
	every := func(string, string) (bool, error) { return true, nil }
	testing.Main(every, []testing.InternalTest{{Name: "sim", F: o.run}}, nil, nil)
}

// virtual is what virtual time is counted as.
const virtual = "seconds of virtual time"

// often is after how many schedules it says how far it is.
const often = 5000

type options struct {
	first, seeds uint64
	workers      int
	verbose      bool
	digests      bool
	interrupted  chan os.Signal
}

// run plays the seeds and prints what came of it.
func (o options) run(t *testing.T) {
	begun, total := time.Now(), newTally()
	var mu sync.Mutex
	var failed []uint64
	var played atomic.Uint64
	t.Cleanup(func() { print(os.Stdout, played.Load(), time.Since(begun), failed, total) })
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
			if o.workers > 1 {
				t.Parallel()
			}
			for seed := next.Add(1) - 1; seed < o.first+o.seeds; seed = next.Add(1) - 1 {
				if n := played.Add(1); n%often == 0 {
					fmt.Fprintf(os.Stderr, "%d schedules in %v\n", n, time.Since(begun).Round(time.Second))
				}
				if !t.Run(strconv.FormatUint(seed, 10), func(t *testing.T) { play(t, seed, o, total) }) {
					mu.Lock()
					failed = append(failed, seed)
					mu.Unlock()
				}
			}
		})
	}
}

func print(to io.Writer, played uint64, took time.Duration, failed []uint64, total *tally) {
	for _, name := range slices.Sorted(maps.Keys(total.counts)) {
		_, _ = fmt.Fprintf(to, "%9d  %s\n", total.counts[name], name)
	}
	_, _ = fmt.Fprintf(to, "%d schedules in %v, %.1f a second; %d failed\n", played, took.Round(time.Second), float64(played)/took.Seconds(), len(failed))
	slices.Sort(failed)
	for _, seed := range failed {
		_, _ = fmt.Fprintln(to, "failed:", seed)
	}
}

// play plays one schedule in a bubble.
func play(t *testing.T, seed uint64, o options, total *tally) {
	if chanceless != "" {
		cryptotest.SetGlobalRandom(t, seed)
	}
	synctest.Test(t, func(t *testing.T) {
		log := slog.New(slog.DiscardHandler)
		if o.verbose {
			log = slog.New(slog.NewTextHandler(os.Stdout, &slog.HandlerOptions{Level: slog.LevelDebug}))
		}
		begun := time.Now()
		own := newTally()
		w := newWorld(t, seed, log, own)
		w.notes = o.verbose || o.digests
		w.play()
		if o.digests {
			fmt.Printf("digest %d %x\n", seed, w.digest.Sum64())
		}
		own.count(virtual, int(time.Since(begun).Seconds()))
		total.add(own)
	})
}

// A tally counts what happened. It is safe for concurrent use.
type tally struct {
	mu     sync.Mutex
	counts map[string]int
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
}
