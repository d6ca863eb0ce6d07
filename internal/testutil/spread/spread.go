package spread

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// Of is one line: how many, the quantiles asked for, each between 0 and 1, and
// the greatest. Nearest rank: none is made up. It sorts what it is given.
func Of(all []time.Duration, quantiles ...float64) string {
	if len(all) == 0 {
		return "none"
	}
	slices.Sort(all)
	b := []string{fmt.Sprintf("%6d:", len(all))}
	for _, q := range quantiles {
		b = append(b, fmt.Sprintf("p%.4g %-9v", 100*q, short(at(all, q))))
	}
	return strings.Join(append(b, fmt.Sprintf("max %v", short(at(all, 1)))), " ")
}

// at is the smallest that no less than q of all are at most.
func at(sorted []time.Duration, q float64) time.Duration {
	n := len(sorted)
	for i := int(q * float64(n-1)); i < n; i++ {
		if float64(i+1) >= q*float64(n) {
			return sorted[i]
		}
	}
	return sorted[n-1]
}

// short is a duration to three digits or so.
func short(d time.Duration) time.Duration {
	switch {
	case d >= time.Second:
		return d.Round(10 * time.Millisecond)
	case d >= 10*time.Millisecond:
		return d.Round(100 * time.Microsecond)
	}
	return d.Round(time.Microsecond)
}
