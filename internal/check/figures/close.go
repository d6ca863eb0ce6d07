package main

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/turold/turold/internal/testutil/spread"
)

// together is how many sessions are brought into a state at a time.
const together = 20

// closes closes n sessions in each state, one after the other, and takes the time
// until Close of the client and of its Dialer have returned.
func closes(t *testing.T, n int) {
	var all []time.Duration
	for _, s := range states {
		var took []time.Duration
		for len(took) < n {
			took = append(took, s.batch(t, min(together, n-len(took)))...)
		}
		fmt.Printf("  %-40s %s\n", s.name, spread.Of(took, 0.5, 0.99, 0.999))
		all = append(all, took...)
	}
	fmt.Printf("  %-40s %s\n", "all", spread.Of(all, 0.5, 0.99, 0.999))
}

// batch brings sessions into the state and closes them.
func (s *state) batch(t *testing.T, n int) (took []time.Duration) {
	w := newScene(t, s)
	defer w.end()
	var mu sync.Mutex
	var open sync.WaitGroup
	var shuts []func()
	for range n {
		open.Go(func() {
			shut := s.begin(w)
			mu.Lock()
			defer mu.Unlock()
			shuts = append(shuts, shut)
		})
	}
	open.Wait()
	require.Len(t, shuts, n)
	if s.ready != nil {
		s.ready(w, n)
	}
	for _, shut := range shuts {
		start := time.Now()
		shut()
		took = append(took, time.Since(start))
	}
	return took
}
