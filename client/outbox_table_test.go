package client

import (
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/turold/turold/bayeux"
	"github.com/turold/turold/internal/mono"
	"github.com/turold/turold/transport"
)

// unknownTopics are those of a session in which the server accepted none.
func unknownTopics(bayeux.Channel) bool { return false }

// queued puts an op of a size into an outbox.
func queued(o *outbox, size int) *op {
	p := o.newOp(bayeux.Message{Channel: "/a", Data: []byte("1")})
	p.size = size
	o.enqueue(p)
	return p
}

// sent has all that waits leave on a leg, with a second for the replies.
func sent(o *outbox, id transport.LegID, now mono.Time) {
	o.draw(1<<20, 1<<10, func(p *op) { o.onSent(p, id, now, now.Add(time.Second)) })
}

func orders(ops []*op) (all []uint64) {
	for _, p := range ops {
		all = append(all, p.order)
	}
	return all
}

func TestOutboxDraws(t *testing.T) {
	for name, row := range map[string]struct {
		sizes       []int
		together    int // how many of the last are a group
		limit, most int
		leave       int
	}{
		"nothing":                                {nil, 0, 100, 10, 0},
		"what fits":                              {[]int{40, 40, 40}, 0, 100, 10, 2},
		"the first however large":                {[]int{400, 40}, 0, 100, 10, 1},
		"as many as are allowed":                 {[]int{1, 1, 1}, 0, 100, 2, 2},
		"none where none is allowed":             {[]int{1}, 0, 100, 0, 0},
		"a group that fits alone is not split":   {[]int{40, 40, 40}, 2, 100, 10, 1},
		"a group as it fits":                     {[]int{40, 30, 30}, 2, 100, 10, 3},
		"a group too large for one batch begins": {[]int{40, 60, 60}, 2, 100, 10, 2},
	} {
		t.Run(name, func(t *testing.T) {
			var o outbox
			var all []*op
			for _, size := range row.sizes {
				all = append(all, queued(&o, size))
			}
			together := new(group)
			for _, p := range all[len(all)-row.together:] {
				p.group = together
				together.size += p.size
			}
			var left []*op
			o.draw(row.limit, row.most, func(p *op) { left = append(left, p) })
			require.Equal(t, orders(all[:row.leave]), orders(left))
			require.Equal(t, orders(all[row.leave:]), orders(o.queue))
		})
	}
}

func TestOutboxPutsBackInOrder(t *testing.T) {
	var o outbox
	now := mono.Now()
	for range 4 {
		queued(&o, 1)
	}
	first, third := o.queue[0], o.queue[2]
	sent(&o, 1, now)
	require.Empty(t, o.queue)
	require.Equal(t, 4, o.unsettled())
	queued(&o, 1)
	o.requeue([]*op{third, first})
	require.Equal(t, []uint64{1, 3, 5}, orders(o.queue))
	require.True(t, o.unqueue(third))
	require.False(t, o.unqueue(third))
}

func TestOutboxBound(t *testing.T) {
	var o outbox
	bound := Bound{Messages: 2, Bytes: 1 << 20}
	require.True(t, o.hasRoom(1, 1<<30, bound), "what is larger than the bound fits into an empty outbox")
	first := queued(&o, 100)
	o.count(first)
	require.True(t, o.hasRoom(1, 100, bound))
	require.False(t, o.hasRoom(2, 100, bound))
	require.False(t, o.hasRoom(1, 1<<20, bound))
	room := o.freed()
	o.onSettled(first, nil)
	o.free(first)
	<-room
	require.Equal(t, Bound{}, o.usage)
}

// TestOutboxLegEnd: what becomes of an op when the leg ends that it is out on.
func TestOutboxLegEnd(t *testing.T) {
	lost := &transport.Error{Op: "read", Err: errors.New("reset")}
	unsent := &transport.Error{Op: "dial", Unsent: true, Err: errors.New("refused")}
	tooLarge := func(ids ...string) *transport.Error {
		return &transport.Error{Op: "status", Status: 413, TooLarge: ids, Err: errors.New("too large")}
	}
	for name, row := range map[string]struct {
		op             op
		err            *transport.Error
		refused        int // how many ids were too large, the op's among them
		again          bool
		mayHaveArrived bool
	}{
		"it may have arrived":                          {op{}, lost, 0, false, true},
		"and may be sent again":                        {op{repeatable: true}, lost, 0, true, true},
		"but no caller waits for it":                   {op{repeatable: true, abandoned: true}, lost, 0, false, true},
		"the leg ended in peace without its reply":     {op{}, nil, 0, false, true},
		"it never left":                                {op{}, unsent, 0, true, false},
		"nor this time":                                {op{mayHaveArrived: true}, unsent, 0, true, true},
		"refused for its size with another":            {op{}, nil, 2, true, false},
		"refused alone":                                {op{}, nil, 1, true, false},
		"refused alone, time and again":                {op{tries: maxTries}, nil, 1, false, false},
		"refused, but an earlier try may have arrived": {op{mayHaveArrived: true}, nil, 1, false, true},
	} {
		t.Run(name, func(t *testing.T) {
			var o outbox
			now := mono.Now()
			p := queued(&o, 1)
			row.op.message, row.op.order, row.op.done = p.message, p.order, p.done
			*p = row.op
			sent(&o, 1, now)
			p.tries = row.op.tries
			switch row.refused {
			case 1:
				row.err = tooLarge(p.message.ID)
			case 2:
				row.err = tooLarge(p.message.ID, "other")
			}
			gone, carried := o.onLegEnd(2, row.err, now, unknownTopics)
			require.False(t, carried, "another leg")
			require.Empty(t, gone)
			gone, carried = o.onLegEnd(1, row.err, now, unknownTopics)
			require.True(t, carried)
			require.Equal(t, row.again, len(gone) == 0)
			require.Equal(t, row.again, len(o.queue) == 1)
			require.Equal(t, row.mayHaveArrived, p.mayHaveArrived)
			require.Error(t, p.err)
		})
	}
}

func TestOutboxExpired(t *testing.T) {
	for name, row := range map[string]struct {
		after     time.Duration
		exchange  bool
		op        op
		cut, lost bool
	}{
		"not yet":                  {time.Millisecond, false, op{}, false, false},
		"on an exchange":           {time.Second, true, op{repeatable: true}, true, false},
		"on a socket":              {time.Second, false, op{}, false, true},
		"it may be sent again":     {time.Second, false, op{repeatable: true}, false, false},
		"it was sent often enough": {time.Second, false, op{repeatable: true, tries: maxTries}, false, true},
		"its caller has gone":      {time.Second, false, op{repeatable: true, abandoned: true}, false, true},
	} {
		t.Run(name, func(t *testing.T) {
			var o outbox
			now := mono.Now()
			p := queued(&o, 1)
			row.op.message, row.op.order, row.op.done = p.message, p.order, p.done
			*p = row.op
			sent(&o, 1, now)
			p.tries = row.op.tries
			require.Equal(t, now.Add(time.Second), o.nextCheck)
			o.nextCheck = mono.Time{}
			cut, again, lost := o.expired(now.Add(row.after), func(transport.LegID) bool { return row.exchange }, unknownTopics)
			require.Equal(t, row.cut, len(cut) == 1)
			require.Equal(t, row.lost, len(lost) == 1)
			waits := row.after < time.Second
			require.Equal(t, !waits && !row.cut && !row.lost, len(again) == 1)
			require.Equal(t, waits, !o.nextCheck.IsZero())
		})
	}
}

func TestOutboxFindsTheOpAnswered(t *testing.T) {
	var o outbox
	now := mono.Now()
	first, second := queued(&o, 1), queued(&o, 1)
	sent(&o, 1, now)
	reply := func(id string) *bayeux.Message {
		return &bayeux.Message{Channel: "/a", ID: id, Meta: &bayeux.Meta{Verdict: true, Successful: true}}
	}
	require.Equal(t, second, o.answered(1, reply(second.message.ID), false))
	require.Equal(t, first, o.answered(2, reply(first.message.ID), false), "a reply may come on another leg")
	require.Nil(t, o.answered(1, reply("other"), false))
	require.Nil(t, o.answered(1, reply(""), true), "which of the two it answers cannot be told")
	o.onSettled(first, nil)
	require.Equal(t, second, o.answered(1, reply(""), true))
	require.Nil(t, o.answered(2, reply(""), true), "without an id it answers what is out on its leg")
}

func TestOutboxKeepsFailuresForFlush(t *testing.T) {
	var o outbox
	bad := errors.New("bad")
	for range 3 {
		o.count(queued(&o, 1))
	}
	ops := o.queue
	o.onSettled(ops[2], bad)
	o.onSettled(ops[1], bad)
	o.onSettled(ops[0], nil)
	require.Equal(t, uint64(2), o.unflushed.first.order)
	o.forgetFailures(2)
	require.Equal(t, uint64(3), o.unflushed.first.order)
	o.forgetFailures(3)
	require.Nil(t, o.unflushed)
	for _, p := range ops {
		p.awaited = true
		o.onSettled(p, bad)
	}
	require.Nil(t, o.unflushed, "their senders have the outcomes")
}
