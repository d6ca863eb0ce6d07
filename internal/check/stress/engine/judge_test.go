package engine

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/turold/turold/bayeux"
	"github.com/turold/turold/client"
	"github.com/turold/turold/fallback"
)

// TestOutcomesAreJudged: which outcomes are true of a publish that the server
// took so often.
func TestOutcomesAreJudged(t *testing.T) {
	taken := []int{0, 1, 2}
	for name, c := range map[string]struct {
		x    publish
		true []int
	}{
		"arrived":                   {publish{done: true}, []int{1}},
		"arrived, at least once":    {publish{done: true, again: true}, []int{1, 2}},
		"unknown":                   {publish{done: true, err: &client.OutcomeError{Sent: true}}, []int{0, 1}},
		"unknown, at least once":    {publish{done: true, again: true, err: &client.OutcomeError{Sent: true}}, []int{0, 1, 2}},
		"not taken":                 {publish{done: true, again: true, err: &client.OutcomeError{}}, []int{0}},
		"refused":                   {publish{done: true, again: true, err: &bayeux.Error{}}, []int{0}},
		"refused, and it was sent":  {publish{done: true, again: true, err: &client.OutcomeError{Sent: true, Err: &bayeux.Error{}}}, []int{0, 1, 2}},
		"no outcome":                {publish{}, nil},
		"an outcome of no kind":     {publish{done: true, err: errors.New("x")}, nil},
		"granted what is denied":    {publish{done: true, channel: Denied + "a"}, nil},
		"denied":                    {publish{done: true, channel: Denied + "a", err: &bayeux.Error{}}, []int{0}},
		"denied, and not yet known": {publish{done: true, channel: Denied + "a", err: &client.OutcomeError{Sent: true}}, []int{0, 1}},
	} {
		for _, n := range taken {
			_, wrong := c.x.judge(n)
			require.Equal(t, slices.Contains(c.true, n), wrong == "", "%s, taken %d times: %s", name, n, wrong)
		}
	}
}

// TestEventsAreJudged: what a consumer may get of five events of a publisher, of
// which the server took the first four and the fourth twice.
func TestEventsAreJudged(t *testing.T) {
	lost := &client.GapError{Missed: -1, Reason: client.GapNewSession}
	full := &client.GapError{Missed: 1, Reason: client.GapQueueFull}
	cut := &client.GapError{Missed: -1, Reason: client.GapConnectionLost}
	for name, c := range map[string]struct {
		yields []any // numbers and gaps
		noAck  bool
		mode   fallback.Mode
		wrong  int
	}{
		"all":                             {yields: []any{0, 1, 2, 3, 3}},
		"one is missing":                  {yields: []any{0, 2, 3, 3}, wrong: 1},
		"a gap is there":                  {yields: []any{0, lost, 2, 3, 3}},
		"a gap is elsewhere":              {yields: []any{lost, 0, 2, 3, 3}, wrong: 1},
		"a gap that counts":               {yields: []any{0, full, 2, 3, 3}},
		"a gap that counts too few":       {yields: []any{0, full, 3, 3}, wrong: 1},
		"out of order":                    {yields: []any{0, 2, 1, 3, 3}, wrong: 1},
		"the late one has no order":       {yields: []any{3, 0, 1, 3, 2}},
		"doubled":                         {yields: []any{0, 1, 1, 2, 3, 3}, wrong: 1},
		"more often than it was taken":    {yields: []any{0, 1, 2, 3, 3, 3}, wrong: 1},
		"never taken":                     {yields: []any{0, 1, 2, 3, 3, 4}, wrong: 1},
		"never published":                 {yields: []any{0, 1, 2, 3, 3, 9}, wrong: 1},
		"the last is missing":             {yields: []any{0, 1, 3, 3}, wrong: 1},
		"a connection lost, with ack":     {yields: []any{0, cut, 1, 2, 3, 3}, wrong: 1},
		"without ack: a gap that is late": {noAck: true, yields: []any{0, 2, cut, 3, 3}},
		"without ack: a gap before it":    {noAck: true, yields: []any{cut, 0, 2, 3, 3}, wrong: 1},
		"without ack: out of order":       {noAck: true, yields: []any{0, 2, 1, 3, 3}},
		"without ack, one connection":     {noAck: true, mode: fallback.WebSocketOnly, yields: []any{0, 2, 1, 3, 3}, wrong: 1},
	} {
		p := &publisher{id: 1}
		for range 5 {
			_, x := p.next(events+"0", false)
			p.settle(x, nil)
		}
		p.sent[3].again = true
		r := &round{cfg: Config{NoAck: c.noAck, Mode: c.mode}, publishers: []*publisher{p}, counts: Counts{}, kinds: map[string]int{}, trace: newTrace()}
		l := &list{channel: events + "*"}
		for _, y := range c.yields {
			e := entry{at: time.Now()}
			switch y := y.(type) {
			case int:
				e.id = ID{1, y}
			case *client.GapError:
				e.gap = y
			}
			l.entries = append(l.entries, e)
		}
		r.judgeList("the consumer", l, map[ID]int{{1, 0}: 1, {1, 1}: 1, {1, 2}: 1, {1, 3}: 2}, nil)
		require.Equal(t, c.wrong > 0, r.counts["violations"] > 0, "%s: %v", name, r.violations)
	}
}

// TestIDsAreFound in whatever pieces they pass, and when a server has written the
// members anew.
func TestIDsAreFound(t *testing.T) {
	var stream []byte
	for n := range 50 {
		stream = append(stream, `x{"channel":"/a","data":`...)
		stream = append(stream, payload(ID{7, n}, n)...)
	}
	for size := 1; size < 100; size++ {
		tr, s := newTrace(), scanner{}
		for rest := stream; len(rest) > 0; {
			n := min(size, len(rest))
			s.scan(tr, rest[:n], wrote, 1)
			rest = rest[n:]
		}
		for n := range 50 {
			require.Len(t, tr.ways[ID{7, n}], 1, "in pieces of %d", size)
		}
	}
	for _, data := range []string{`{"e":"3.14","x":"y"}`, `{ "x":"y", "e":"3.14" }`} {
		id, ok := ParseID([]byte(data))
		require.True(t, ok)
		require.Equal(t, ID{3, 14}, id)
	}
	_, ok := ParseID([]byte(`{"n":1}`))
	require.False(t, ok)
}
