package main

import (
	"fmt"
	"slices"
	"time"
)

// A spread is the same figure, taken several times.
type spread []float64

func (s spread) sorted() spread {
	c := slices.Clone(s)
	slices.Sort(c)
	return c
}

func (s spread) at(p float64) float64 {
	c := s.sorted()
	return c[min(int(p*float64(len(c))), len(c)-1)]
}

func (s spread) median() float64 {
	c := s.sorted()
	if n := len(c); n%2 == 0 {
		return (c[n/2-1] + c[n/2]) / 2
	}
	return s.at(0.5)
}

// text is the median with the least and the most.
func (s spread) text(format string) string {
	if len(s) == 0 {
		return "-"
	}
	if len(s) == 1 {
		return fmt.Sprintf(format, s[0])
	}
	return fmt.Sprintf(format+" ("+format+" to "+format+")", s.median(), slices.Min(s), slices.Max(s))
}

// times makes figures of durations: their middle, and the tail, in microseconds.
func times(all []time.Duration) figures {
	s := make(spread, len(all))
	for i, d := range all {
		s[i] = float64(d.Nanoseconds()) / 1e3
	}
	return figures{"p50": s.at(0.5), "p90": s.at(0.9), "p99": s.at(0.99)}
}
