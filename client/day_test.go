package client_test

import (
	"context"
	"errors"
	"runtime"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/turold/turold/client"
)

// A reader checks that what is missing is told: between two numbers that do
// not follow each other stands a gap, and one that knows its size is right.
type reader struct {
	last    int
	got     int
	missing int
	gaps    int
	silent  []string // what was lost without a word
	unknown bool     // a gap of unknown size since the last
	missed  int      // of gaps of known size since the last
}

// take takes the next of a subscription, and reports whether there may be more.
func (r *reader) take(data string, err error) bool {
	var gap *client.GapError
	switch {
	case errors.As(err, &gap):
		r.gaps++
		if gap.Missed < 0 {
			r.unknown = true
		} else {
			r.missed += gap.Missed
		}
		return true
	case err != nil:
		return false
	}
	n, _ := strconv.Atoi(data)
	lost := n - r.last - 1
	if lost < 0 || lost < r.missed || lost > r.missed && !r.unknown {
		r.silent = append(r.silent, strconv.Itoa(r.last)+" then "+data)
	}
	r.missing += max(lost, 0)
	r.last, r.got, r.unknown, r.missed = n, r.got+1, false, 0
	return true
}

// TestADayOfTrouble: for 24 hours the server is restarted every 10 minutes,
// forgets its sessions every 17, the connections are reset every 7, and of two
// readers one is slower than the events are. Every loss is told, the requests
// of an hour are bounded, and so are the goroutines.
func TestADayOfTrouble(t *testing.T) {
	const (
		day     = 24 * time.Hour
		every   = 5 * time.Second // an event
		perHour = 1800            // requests at most: an answer to each event by long-polling, and what the troubles cost
	)
	for _, mode := range modes {
		t.Run(mode.String(), func(t *testing.T) {
			onMode(t, mode, nil, func() *client.Options { return nil }, func(s *stack) {
				ctx, stop := context.WithCancel(s.Context())
				var wg sync.WaitGroup
				readers := [2]reader{}
				for i, o := range []*client.SubscribeOptions{nil, {Queue: client.Bound{Messages: 100}}} {
					sub, err := s.c.Subscribe(ctx, "/a", o)
					require.NoError(s, err)
					wg.Go(func() {
						for {
							m, err := client.Flat(sub.Next(ctx))
							if !readers[i].take(string(m.Data), err) {
								return
							}
							if i == 1 {
								time.Sleep(8 * time.Second) // 450 an hour, of 720
							}
						}
					})
				}
				at := func(every time.Duration, do func()) {
					wg.Go(func() {
						for ctx.Err() == nil {
							select {
							case <-time.After(every):
								do()
							case <-ctx.Done():
							}
						}
					})
				}
				// Guards s.server and the counts; a sync.Mutex would hold the bubble's time still.
				turn := make(chan struct{}, 1)
				locked := func(do func()) func() {
					return func() {
						turn <- struct{}{}
						defer func() { <-turn }()
						do()
					}
				}
				requests, published := 0, 0
				at(every, locked(func() {
					published++
					_ = s.server.Publish("/a", published)
				}))
				at(7*time.Minute, func() { s.net.Reset(address) })
				at(17*time.Minute, locked(func() { s.server.Forget("") }))
				at(10*time.Minute, locked(func() {
					requests += s.server.Stats().Requests + s.server.Stats().Connects
					_ = s.server.Close()
					time.Sleep(5 * time.Second)
					s.serve(nil)
				}))
				var busiest, goroutines [24]int
				before := 0
				for hour := range 24 {
					time.Sleep(day / 24)
					locked(func() {
						seen := requests + s.server.Stats().Requests + s.server.Stats().Connects
						busiest[hour], before = seen-before, seen
					})()
					synctest.Wait()
					goroutines[hour] = runtime.NumGoroutine()
				}
				require.NoError(s, s.c.Ready(ctx))
				stop()
				wg.Wait()
				for i := range readers {
					r := &readers[i]
					require.Empty(s, r.silent, "lost without a word")
					s.Logf("reader %d: %d of %d, %d gaps, %d missing, each told", i, r.got, published, r.gaps, r.missing)
					require.Greater(s, r.gaps, 100)
				}
				require.Greater(s, readers[0].got, published*95/100)
				require.Greater(s, readers[1].missing, 1000)
				s.Logf("requests in each hour: %v; goroutines: %v", busiest, goroutines)
				for hour := range 24 {
					require.LessOrEqual(s, busiest[hour], perHour)
					require.LessOrEqual(s, goroutines[hour], goroutines[0]+8)
				}
			})
		})
	}
}
