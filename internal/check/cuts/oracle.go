package main

import (
	"time"

	"github.com/turold/turold/internal/testutil/verdict"
)

// An outcome is what came of one cut.
type outcome struct {
	cut      bool          // the byte was written
	wrong    []string      // promises that were broken
	recovery time.Duration // from the cut to the first event published after it; below zero: there was none
	settling time.Duration // to the last outcome of a publish that was out then; below zero: none was
	words    map[string]int
	up, down int64 // bytes that were written
}

// judge looks at a session that is over.
func (s *session) judge() outcome {
	o := outcome{recovery: -1, settling: -1, words: map[string]int{},
		up: s.net.Written(address, true), down: s.net.Written(address, false)}
	for _, p := range s.sent {
		word, truth := verdict.Publish(p.receipt.Err(), s.arrived[p.data])
		if !truth {
			s.breaks("publish %s: %v, and it arrived %d times", p.data, p.receipt.Err(), s.arrived[p.data])
		}
		o.words[word]++
	}
	if cut := s.net.CutTime(address, s.cut.up); !cut.IsZero() {
		o.cut = true
		o.recovery, o.settling = s.recovery(cut), s.settling(cut)
		if most := s.cut.kind.most; o.recovery > most || o.settling > most {
			s.breaks("events were back after %v, publishes settled after %v", o.recovery, o.settling)
		}
	}
	o.wrong = s.wrong
	return o
}

// recovery is how long after the cut the session worked.
func (s *session) recovery(cut time.Time) time.Duration {
	for n, at := range s.born {
		if !at.Before(cut) && !s.came[n].IsZero() {
			return s.came[n].Sub(cut)
		}
	}
	last := time.Duration(-1) // all were published: then it is the last that came
	for _, at := range s.came {
		if at.After(cut) {
			last = max(last, at.Sub(cut))
		}
	}
	return last
}

// settling is how long after it the last publish was settled that was out.
func (s *session) settling(cut time.Time) time.Duration {
	last := time.Duration(-1)
	for _, p := range s.sent {
		if p.at.Before(cut) && p.settled.After(cut) {
			last = max(last, p.settled.Sub(cut))
		}
	}
	return last
}
