package load

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/turold/turold/bayeux"
	"github.com/turold/turold/client"
)

// TestScheduleIsEven: whatever the plan, each message of a channel has a place of
// its own, publishers' places grow, and as many leave as the rate asks for.
func TestScheduleIsEven(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := &Plan{
			Dialer: &client.Dialer{}, Channels: rapid.IntRange(1, 7).Draw(t, "channels"),
			Publishers: rapid.IntRange(1, 20).Draw(t, "publishers"), Batch: rapid.IntRange(1, 5).Draw(t, "batch"),
			Rate: rapid.Float64Range(1, 500).Draw(t, "rate"), Duration: time.Duration(rapid.IntRange(1, 5000).Draw(t, "ms")) * time.Millisecond,
		}
		test := New(p)
		up := make([]*session, 20)
		for i := range up {
			up[i] = new(session)
		}
		test.enlist(up)
		n := test.publishers()
		type place struct {
			channel bayeux.Channel
			seq     int
		}
		seen := map[place]bool{}
		for k := range n {
			who, last := test.publisher(k), -1
			for turn := range p.turns(n) {
				if p.at(turn, k, n) >= p.length() {
					break
				}
				for i := range p.Batch {
					seq := who.seq(turn*p.Batch + i)
					require.Greater(t, seq, last)
					require.Less(t, seq, test.messages())
					require.False(t, seen[place{who.channel.name, seq}])
					seen[place{who.channel.name, seq}] = true
					last = seq
				}
			}
		}
		require.InDelta(t, p.Rate*p.Duration.Seconds(), len(seen), float64(p.Batch))
	})
}

func TestSubscriptionsAreEven(t *testing.T) {
	p := &Plan{Sessions: 30, Channels: 10, Subscriptions: 4}
	count := map[int]int{}
	for s := range p.Sessions {
		own := map[int]bool{}
		for j := range p.Subscriptions {
			own[p.subscribes(s, j)] = true
			count[p.subscribes(s, j)]++
		}
		require.Len(t, own, 4)
	}
	for ch := range p.Channels {
		require.Equal(t, 12, count[ch])
	}
}

func TestStampSurvives(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := stamp{rapid.IntRange(0, 1<<40).Draw(t, "seq"), time.Duration(rapid.Int64Min(0).Draw(t, "at"))}
		size := rapid.IntRange(1, 400).Draw(t, "size")
		data := s.data("RUN", size)
		if least := s.data("RUN", 0); len(least) < size {
			require.Len(t, data, size)
		} else {
			require.Equal(t, least, data)
		}
		got, ok := parseStamp("RUN", data)
		require.True(t, ok)
		require.Equal(t, s, got)
		_, ok = parseStamp("RUNNER", data)
		require.False(t, ok)
	})
}

func TestForeignDataIsNoStamp(t *testing.T) {
	for _, data := range []string{
		``, `null`, `1`, `{}`, `{"load":1}`, `{"load":"RUN"}`, `{"load":"RUN 1"}`,
		`{"load":"RUN -2 3 "}`, `{"load":"RUN 99999999999999999999 3 "}`, `{"load":"OTHER 2 3 x"}`, strings.Repeat("[", 100_000),
	} {
		_, ok := parseStamp("RUN", []byte(data))
		require.False(t, ok, data)
	}
}

// TestWhatIsNotOursIsLeftOut: it has no place in the books, however large its
// numbers are.
func TestWhatIsNotOursIsLeftOut(t *testing.T) {
	test := New(&Plan{Dialer: &client.Dialer{}, Channels: 1, Publishers: 1, Batch: 1, Rate: 10, Duration: time.Second})
	test.start = time.Now()
	test.enlist([]*session{{}})
	r := &reader{channel: test.channels[0], last: map[int]int{}}
	for _, seq := range []int{1 << 50, 20, 3, 3, 2, 4} {
		test.take(r, bayeux.Message{Data: stamp{seq: seq}.data(test.run, 0)})
	}
	require.EqualValues(t, 2, test.foreign.Load())
	require.EqualValues(t, 3, test.received.Load())
	require.EqualValues(t, 1, test.doubled.Load())
	require.EqualValues(t, 1, test.disordered.Load())
	for _, seq := range []int{1, 2, 5, 6} {
		test.channels[0].take(seq)
	}
	require.Equal(t, missing{lost: 1, untold: 1, late: 2}, r.missing())
	r.gap()
	require.Equal(t, missing{lost: 1, late: 2}, r.missing())
}
