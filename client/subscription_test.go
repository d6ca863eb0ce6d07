package client

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/turold/turold/bayeux"
)

func lone(o SubscribeOptions) *Subscription { return newSubscription(nil, "/a", &o, false) }

func number(i int) *bayeux.Message {
	return &bayeux.Message{Channel: "/a", Data: json.RawMessage(fmt.Sprint(i))}
}

// taken is what can be pulled: numbers, and gaps as their negative count.
func taken(s *Subscription) (out []int, err error) {
	for {
		e, err, ok := s.take(&consumer{}, true)
		switch {
		case !ok || err != nil:
			return out, err
		case e.gap != nil:
			out = append(out, -e.gap.Missed)
		default:
			var n int
			_ = json.Unmarshal(e.m.Data, &n)
			out = append(out, n)
		}
	}
}

func TestFullQueue(t *testing.T) {
	for _, row := range []struct {
		full QueuePolicy
		want []int
		err  error
	}{
		{QueueDropOldest, []int{-3, 4, 5}, nil},
		{QueueDropNewest, []int{1, 2, -3}, nil},
		{QueueEndWhenFull, []int{1, 2}, ErrQueueFull},
	} {
		s := lone(SubscribeOptions{Queue: Bound{Messages: 2}, WhenFull: row.full})
		for i := 1; i <= 5; i++ {
			s.put(number(i), 0)
		}
		got, err := taken(s)
		require.Equal(t, row.want, got)
		require.Equal(t, row.err, err)
		if row.err == nil {
			s.put(number(6), 0)
			got, _ = taken(s)
			require.Equal(t, []int{6}, got, "it goes on")
		}
	}
}

func TestQueueBoundInBytes(t *testing.T) {
	s := lone(SubscribeOptions{Queue: Bound{Bytes: 2*weight(number(1000)) + 1}})
	for i := 1000; i < 1005; i++ {
		s.put(number(i), 0)
	}
	got, _ := taken(s)
	require.Equal(t, []int{-3, 1003, 1004}, got)
	s.put(&bayeux.Message{Data: make(json.RawMessage, 10_000)}, 0)
	require.Equal(t, 1, s.queue.n, "one that is larger than the bound is kept if it is alone")
}

// TestQueueBoundCountsNames: an id is copied out of its frame, and may be as
// long as the frame.
func TestQueueBoundCountsNames(t *testing.T) {
	s := lone(SubscribeOptions{Queue: Bound{Bytes: 10_000}})
	for range 100 {
		s.put(&bayeux.Message{Channel: "/a", ID: strings.Repeat("x", 2000), Data: json.RawMessage("1")}, 0)
	}
	require.LessOrEqual(t, s.queue.n, 10)
	require.LessOrEqual(t, s.size.Bytes, 10_000)
}

func TestGapsMeetOnlyWhenNothingIsBetween(t *testing.T) {
	s := lone(SubscribeOptions{})
	s.putGap(GapError{Reason: GapConnectionLost, Missed: -1})
	s.putGap(GapError{Reason: GapNewSession, Missed: -1})
	s.put(number(7), 0)
	s.putGap(GapError{Reason: GapNewSession, Missed: -1})
	got, _ := taken(s)
	require.Equal(t, []int{1, 7, 1}, got)
}

// TestNeighbouringGapsAreOne: it says the most that one of them says.
func TestNeighbouringGapsAreOne(t *testing.T) {
	for _, row := range []struct{ all, want []GapError }{
		{[]GapError{{Reason: GapQueueFull, Missed: 2}, {Reason: GapQueueFull, Missed: 3}}, []GapError{{Reason: GapQueueFull, Missed: 5}}},
		{[]GapError{{Reason: GapQueueFull, Missed: 2}, {Reason: GapConnectionLost, Missed: -1}}, []GapError{{Reason: GapConnectionLost, Missed: -1}}},
		{[]GapError{{Reason: GapConnectionLost, Missed: -1}, {Reason: GapQueueFull, Missed: 2}}, []GapError{{Reason: GapConnectionLost, Missed: -1}}},
		{[]GapError{{Reason: GapNewSession, Missed: -1}, {Reason: GapConnectionLost, Missed: -1}}, []GapError{{Reason: GapNewSession, Missed: -1}}},
		{[]GapError{{Reason: GapConnectionLost, Missed: -1}, {Reason: GapNewSession, Missed: -1}}, []GapError{{Reason: GapNewSession, Missed: -1}}},
	} {
		s := lone(SubscribeOptions{})
		for _, g := range row.all {
			s.putGap(g)
		}
		var got []GapError
		for e, _, ok := s.take(&consumer{}, true); ok; e, _, ok = s.take(&consumer{}, true) {
			got = append(got, *e.gap)
		}
		require.Equal(t, row.want, got, "%v", row.all)
	}
}

// TestGapsAreBounded: whatever a subscription misses while nobody reads, it keeps
// no more gaps than messages, and one.
func TestGapsAreBounded(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		full := rapid.SampledFrom([]QueuePolicy{QueueDropOldest, QueueDropNewest}).Draw(t, "full")
		s := lone(SubscribeOptions{Queue: Bound{Messages: rapid.IntRange(1, 5).Draw(t, "bound")}, WhenFull: full})
		for i := range rapid.IntRange(0, 200).Draw(t, "steps") {
			switch rapid.IntRange(0, 4).Draw(t, "step") {
			case 0:
				s.putGap(GapError{Reason: GapConnectionLost, Missed: -1})
			case 1:
				s.putGap(GapError{Reason: GapNewSession, Missed: -1})
			case 2:
				s.take(&consumer{}, true)
			default:
				s.put(number(i), 0)
			}
			if gaps := s.queue.n - s.size.Messages; gaps > s.size.Messages+1 {
				t.Fatalf("%d gaps beside %d messages", gaps, s.size.Messages)
			}
			for i := 1; i < s.queue.n; i++ {
				if s.queue.at(i).gap != nil && s.queue.at(i-1).gap != nil {
					t.Fatal("two gaps with nothing between them")
				}
			}
		}
	})
}

// received = delivered + dropped + queued, and what is delivered is in order.
func TestQueueConservesItsMessages(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		full := rapid.SampledFrom([]QueuePolicy{QueueDropOldest, QueueDropNewest}).Draw(t, "full")
		s := lone(SubscribeOptions{Queue: Bound{Messages: rapid.IntRange(1, 5).Draw(t, "bound")}, WhenFull: full})
		put, got, missed, last := 0, 0, 0, 0
		pull := func() bool {
			e, _, ok := s.take(&consumer{}, true)
			if !ok {
				return false
			}
			if e.gap != nil {
				missed += e.gap.Missed
				return true
			}
			var n int
			_ = json.Unmarshal(e.m.Data, &n)
			if n <= last {
				t.Fatalf("%d after %d", n, last)
			}
			last, got = n, got+1
			if got+missed != n {
				t.Fatalf("%d is the %dth with %d told missing before it", n, got, missed)
			}
			return true
		}
		for range rapid.IntRange(0, 60).Draw(t, "steps") {
			if rapid.Bool().Draw(t, "put") {
				put++
				s.put(number(put), 0)
			} else {
				pull()
			}
		}
		for pull() {
		}
		if got+missed != put {
			t.Fatalf("%d put, %d got, %d missed", put, got, missed)
		}
	})
}

func TestMessagesAndValues(t *testing.T) {
	s := lone(SubscribeOptions{})
	s.put(&bayeux.Message{Channel: "/a", Data: json.RawMessage(`{"n":1}`)}, 0)
	s.put(&bayeux.Message{Channel: "/a", Data: json.RawMessage(`"no"`)}, 0)
	s.putGap(GapError{Channel: "/a", Reason: GapNewSession, Missed: -1})
	s.put(&bayeux.Message{Channel: "/a", Data: json.RawMessage(`{"n":2}`)}, 0)
	s.finish(ErrClosed)
	var got []string
	for item, err := range Values[struct{ N int }](s.Messages(context.Background())) {
		v, ok := item.Value()
		got = append(got, fmt.Sprint(v.N, " ", ok, " ", item.Channel(), " ", item.Problem(), " ", err))
	}
	require.Len(t, got, 5)
	require.Equal(t, "1 true /a <nil> <nil>", got[0])
	require.Contains(t, got[1], "0 false /a client: data on /a is no struct")
	require.Equal(t, "0 false /a client: gap on /a: new session <nil>", got[2])
	require.Equal(t, "2 true /a <nil> <nil>", got[3])
	require.Equal(t, "0 false  <nil> "+ErrClosed.Error(), got[4])

	s = lone(SubscribeOptions{})
	s.finish(ErrUnsubscribed)
	for range s.Messages(context.Background()) {
		t.Fatal("Unsubscribe ends the loop without an error")
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_, err := lone(SubscribeOptions{}).Next(ctx)
	require.ErrorIs(t, err, context.Canceled)
}

// A reader that is slower than the events still gets some.
func TestMessageBehindATakenGapIsSpared(t *testing.T) {
	s := lone(SubscribeOptions{Queue: Bound{Messages: 3}})
	put := 0
	var got []int
	for range 6 {
		for range 5 {
			put++
			s.put(number(put), 0)
		}
		e, _, _ := s.take(&consumer{}, true)
		if e.gap != nil {
			got = append(got, -e.gap.Missed)
		} else {
			got = append(got, 1)
		}
	}
	require.Equal(t, []int{-2, 1, -9, 1, -9, 1}, got, "gaps and messages take turns")
}
