package main

import (
	"fmt"
	"time"

	"github.com/turold/turold/client"
)

// An account is what a reader knows of the numbers of its channel.
type account struct {
	strict  bool // with ack they come in order
	since   int  // what was published before may come, of a subscription before this one, or not
	last    int  // the greatest so far; -1: none came
	told    int  // missing by gaps of known size
	unknown bool // a gap of unknown size since the last
	// Without ack a number that was skipped may still come: long-polling has two
	// requests, and no order between them.
	holes map[int]*hole
}

// A hole is a number that was skipped.
type hole struct {
	at      time.Time // when
	excused bool      // by a gap of unknown size, or because it was published before the subscription
}

// onItsWay is how long a number may be on its way behind those after it.
const onItsWay = 30 * time.Second

// gap takes what stands in an event's place.
func (a *account) gap(g *client.GapError) {
	if g.Missed >= 0 {
		a.told += g.Missed
		return
	}
	a.unknown = true
	for _, h := range a.holes {
		h.excused = true
	}
}

// take takes a number, and returns what is wrong with it.
func (a *account) take(n int) error {
	_, skipped := a.holes[n]
	switch {
	case n <= a.last && (a.strict || !skipped):
		return fmt.Errorf("%d after %d", n, a.last)
	case n <= a.last:
		delete(a.holes, n)
		return nil
	}
	for skipped := a.last + 1; skipped < n && a.last >= 0; skipped++ {
		a.holes[skipped] = &hole{time.Now(), a.unknown || skipped < a.since}
	}
	for skipped := max(0, n-behind); skipped < n && a.last < 0 && !a.strict; skipped++ { // published before it subscribed, and some may still come
		a.holes[skipped] = &hole{time.Now(), true}
	}
	a.last, a.unknown = n, false
	if a.strict {
		return a.settle()
	}
	return nil
}

// behind is how many numbers may come after the first, without ack, that were
// published before it.
const behind = 10_000

// settle returns what is missing though nobody said so.
func (a *account) settle() error {
	silent, first, at := 0, 0, time.Time{}
	for n, h := range a.holes {
		if !h.excused && (a.strict || time.Since(h.at) > onItsWay) {
			if silent++; silent == 1 || n < first {
				first, at = n, h.at
			}
		}
		if a.strict {
			delete(a.holes, n)
		}
	}
	told := a.told
	if a.strict {
		a.told = 0
	}
	if silent > told {
		return fmt.Errorf("%d missing before %d, %d of them told; the first is %d, skipped at %s", silent, a.last, told, first, at.Format("04:05.000"))
	}
	return nil
}
