package client_test

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/turold/turold/bayeux"
	"github.com/turold/turold/bayeux/bayeuxtest"
	"github.com/turold/turold/client"
	"github.com/turold/turold/fallback"
)

// TestWhatAnotherPublisherExceeds has another client publish what is beyond the
// limits of a session, and measures what that costs it: itself, told by a gap, or the
// session, which is renewed and tells the gap. Events before and behind it arrive,
// or a gap stands in their place.
func TestWhatAnotherPublisherExceeds(t *testing.T) {
	const limit, events = 1 << 20, 60
	one := func(data string) []string { return []string{`{"channel":"/a/x","data":` + data + `}`} }
	long := `"` + strings.Repeat("x", limit) + `"`
	var many, large []string
	for range 20_001 {
		many = append(many, `{"channel":"/a/x","data":1}`)
	}
	for range 12 {
		large = append(large, `{"channel":"/a/x","data":"`+strings.Repeat("x", limit/10)+`"}`)
	}
	for _, row := range []struct {
		name     string
		messages []string
		delivers bool // it is within the limits
		polling  bool // by long-polling it costs the session, for a server sends all that waits in one body
	}{
		{"a message as long as the limit", one(long), false, true},
		{"too deep", one(strings.Repeat("[", 200) + strings.Repeat("]", 200)), false, false},
		{"more messages at once than a batch may have", many, true, true},
		{"more bytes at once than a body may have", large, true, true},
		{"a name of half a million characters", []string{`{"channel":"/a/` + strings.Repeat("x", limit/2) + `","data":1}`}, true, false},
		{"a name of a hundred thousand parts", []string{`{"channel":"/a` + strings.Repeat("/b", 100_000) + `","data":1}`}, true, false},
		{"members without end", []string{`{"channel":"/a/x","data":1` + manyMembers(10_000) + `}`}, true, false},
	} {
		for _, mode := range []fallback.Mode{fallback.LongPollingOnly, fallback.WebSocketOnly} {
			for _, noAck := range []bool{false, true} {
				t.Run(fmt.Sprintf("%s/%v, without ack %v", row.name, mode, noAck), func(t *testing.T) {
					so := &bayeuxtest.Options{NoAck: noAck}
					onMode(t, mode, so, func() *client.Options { return nil }, func(s *stack) {
						sub, err := s.c.Subscribe(s.Context(), "/a/**", &client.SubscribeOptions{Queue: client.Bound{Messages: 1 << 20, Bytes: 1 << 30}})
						require.NoError(s, err)
						time.Sleep(time.Second)
						require.NoError(s, s.server.Publish("/a/good", 0))
						for _, m := range row.messages {
							require.NoError(s, s.server.PublishRaw(m))
						}
						for n := range events {
							require.NoError(s, s.server.Publish("/a/good", n+1))
							time.Sleep(time.Second)
						}
						got := collect(s, sub, events)
						missing := events + 1 - len(got.good)
						t.Logf("session %d, gaps %v, %d of %d arrived, %d events of others missing", s.c.Status().Session, got.gaps, got.others, len(row.messages), missing)
						if row.polling && mode == fallback.LongPollingOnly {
							require.NotEmpty(s, got.gaps)
							require.LessOrEqual(s, missing, 30, "seconds; seen: 16")
							return
						}
						require.Equal(s, 1, s.c.Status().Session)
						require.Zero(s, missing)
						if row.delivers {
							require.Empty(s, got.gaps)
							require.Equal(s, len(row.messages), got.others)
						} else {
							require.Equal(s, []client.GapReason{client.GapUnreadable}, got.gaps)
						}
					})
				})
			}
		}
	}
}

func manyMembers(count int) string {
	var b strings.Builder
	for n := range count {
		b.WriteString(`,"m` + strconv.Itoa(n) + `":1`)
	}
	return b.String()
}

// collected is what a subscription has got.
type collected struct {
	good   []int
	gaps   []client.GapReason
	others int
}

// collect pulls until the last good event has come.
func collect(s *stack, sub *client.Subscription, last int) (got collected) {
	for start := time.Now(); time.Since(start) < 2*time.Minute; {
		m, err := client.Flat(sub.Next(s.Context()))
		var gap *client.GapError
		switch {
		case errors.As(err, &gap):
			got.gaps = append(got.gaps, gap.Reason)
		case err != nil:
			require.NoError(s, err)
		case m.Channel == bayeux.Channel("/a/good"):
			n, _ := strconv.Atoi(string(m.Data))
			if got.good = append(got.good, n); n == last {
				return got
			}
		default:
			got.others++
		}
	}
	require.Fail(s, "the last event never came", "%+v", got)
	return got
}
