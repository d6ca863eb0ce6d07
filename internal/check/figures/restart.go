package main

import (
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/turold/turold/client"
	"github.com/turold/turold/fallback"
)

const (
	bucket    = 100 * time.Millisecond // of the histogram
	leastGap  = 100 * time.Millisecond // between two tries of a session, after its first retry
	mostCrowd = 3                      // times the mean a bucket may hold
	enough    = 20                     // handshakes a bucket: with fewer chance makes the peaks
)

// restart has a server with n sessions stop, and come back knowing none of them,
// and counts the handshakes in each tenth of a second.
func restart(t *testing.T, n int) {
	for _, mode := range []fallback.Mode{fallback.Auto, fallback.WebSocketFirst, fallback.LongPollingOnly} {
		for _, outage := range []time.Duration{0, time.Second, 10 * time.Second, time.Minute} {
			synctest.Test(t, func(t *testing.T) {
				h, closest := comesBack(t, mode, outage, n)
				h.check(t, outage, closest)
			})
		}
	}
}

// check holds an outage to what is promised: in one of 10 s the pauses have had
// the time to spread.
func (h tenths) check(t *testing.T, outage, closest time.Duration) {
	require.GreaterOrEqual(t, closest, leastGap)
	if outage == 10*time.Second && h.mean >= enough {
		require.LessOrEqual(t, h.crowd(), float64(mostCrowd))
	}
}

// comesBack is one outage. It returns when the handshakes came, and the shortest
// time between two tries of one session.
func comesBack(t *testing.T, mode fallback.Mode, outage time.Duration, n int) (h tenths, closest time.Duration) {
	f := newFarm(t)
	defer f.end()
	var dials sync.WaitGroup
	for range n {
		dials.Go(func() {
			time.Sleep(rand.N(20 * time.Second))
			f.member(mode, client.Options{}, nil)
		})
	}
	dials.Wait()
	time.Sleep(5 * time.Second)
	f.stop()
	time.Sleep(outage)
	f.do(func() { f.shakes = nil })
	f.serve()
	back := time.Now()
	for f.connected() < n {
		require.Less(t, time.Since(back), 2*time.Minute, "%d of %d are back", f.connected(), n)
		time.Sleep(bucket)
	}
	h = histogram(f.shakes)
	closest, soon, tries := f.closest()
	require.LessOrEqual(t, soon, n/20, "what follows a try at once is not tried at once as well")
	at := func(i int) time.Duration { return f.shakes[i].Sub(back).Round(time.Millisecond) }
	fmt.Printf("  %-15s away for %v: handshakes %v to %v after it is back; in a tenth of a second %.1f, at most %d (%.1f times)\n",
		mode, outage, at(0), at(len(f.shakes)-1), h.mean, h.peak, h.crowd())
	fmt.Printf("    %s\n", h)
	if tries > 0 {
		fmt.Printf("    tries in vain %d; two of a session are %v apart at least, %d first pauses aside\n", tries, closest.Round(time.Millisecond), soon)
	}
	return h, closest
}

// connected is how many sessions are.
func (f *farm) connected() (n int) {
	for _, m := range f.all {
		if s := m.c.Status(); s.State == client.StateConnected && s.Session > 1 {
			n++
		}
	}
	return n
}

// closest is the shortest time between two tries of one session to reach one
// address, how often the first pause was shorter than leastGap, which it may be,
// and how many tries there were.
func (f *farm) closest() (least time.Duration, soon, tries int) {
	least = time.Hour
	for _, m := range f.all {
		for _, at := range m.tries {
			tries += len(at)
			for i := range at[:len(at)-1] {
				gap := at[i+1].Sub(at[i])
				if i == 0 && gap < leastGap {
					soon++
					continue
				}
				least = min(least, gap)
			}
		}
	}
	return least, soon, tries
}

// A tenths is a histogram by the tenth of a second, from the first to the last.
type tenths struct {
	counts []int
	peak   int
	mean   float64
}

func histogram(all []time.Time) (h tenths) {
	for _, at := range all {
		i := int(at.Sub(all[0]) / bucket)
		for len(h.counts) <= i {
			h.counts = append(h.counts, 0)
		}
		h.counts[i]++
		h.peak = max(h.peak, h.counts[i])
	}
	h.mean = float64(len(all)) / float64(len(h.counts))
	return h
}

// crowd is how many times the mean the fullest holds.
func (h tenths) crowd() float64 { return float64(h.peak) / h.mean }

// String is the histogram, as far as it fits on a line.
func (h tenths) String() string {
	const most = 40
	if len(h.counts) <= most {
		return fmt.Sprint(h.counts)
	}
	return fmt.Sprintf("%v and %d more", h.counts[:most], len(h.counts)-most)
}
