package interop_test

import (
	"errors"
	"fmt"
	"slices"

	"github.com/turold/turold/bayeux"
	"github.com/turold/turold/client"
)

// A tally is what became of numbered events on some channels.
type tally struct {
	events, doubled, reordered int
	silent                     int // places where events are missing and no gap stands
	gaps                       []client.GapReason
	at                         map[bayeux.Channel]*sequence
}

// A sequence is that of one channel. It begins with 0.
type sequence struct {
	next    int
	missing map[int]bool // below next
	gaps    int          // that stood before the latest event
}

// add counts what a subscription yielded.
func (y *tally) add(channel bayeux.Channel, n int, err error) {
	if gap := (*client.GapError)(nil); errors.As(err, &gap) {
		y.gaps = append(y.gaps, gap.Reason)
	}
	if err != nil {
		return
	}
	if y.at == nil {
		y.at = map[bayeux.Channel]*sequence{}
	}
	s := y.at[channel]
	if s == nil {
		s = &sequence{missing: map[int]bool{}}
		y.at[channel] = s
	}
	y.events++
	switch {
	case n >= s.next:
		if n > s.next && s.gaps == len(y.gaps) {
			y.silent++
		}
		for ; s.next < n; s.next++ {
			s.missing[s.next] = true
		}
		s.next++
	case s.missing[n]:
		delete(s.missing, n)
		y.reordered++
	default:
		y.doubled++
	}
	s.gaps = len(y.gaps)
}

func (y *tally) lost() (sum int) {
	for _, s := range y.at {
		sum += len(s.missing)
	}
	return sum
}

// reached reports whether event n came on each channel, or a later one.
func (y *tally) reached(n int, channels ...bayeux.Channel) bool {
	return !slices.ContainsFunc(channels, func(c bayeux.Channel) bool { return y.at[c] == nil || y.at[c].next <= n })
}

func (y *tally) String() string {
	return fmt.Sprintf("%d events, lost %d (%d places not told), doubled %d, reordered %d, gaps %v", y.events, y.lost(), y.silent, y.doubled, y.reordered, y.gaps)
}
