package transporttest

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/turold/turold/bayeux"
	"github.com/turold/turold/transport"
)

func TestHandlerGivesOutWhatWasQueued(t *testing.T) {
	var h Handler
	leg := transport.Leg{ID: 1}
	require.Nil(t, h.Next(transport.LaneCommands, leg))
	h.Queue(transport.LaneCommands, bayeux.Message{ID: "1"}, bayeux.Message{ID: "2"})
	h.Queue(transport.LaneConnect, bayeux.Message{ID: "3"})
	due := false
	h.QueueFunc(transport.LaneCommands, func(l transport.Leg) []bayeux.Message {
		require.Equal(t, leg, l)
		if !due {
			return nil
		}
		return []bayeux.Message{{ID: "4"}}
	})
	h.Queue(transport.LaneCommands, bayeux.Message{ID: "5"})
	ids := func(lane transport.Lane) (ids []string) {
		for _, m := range h.Next(lane, leg) {
			ids = append(ids, m.ID)
		}
		return ids
	}
	require.Equal(t, []string{"1", "2"}, ids(transport.LaneCommands))
	require.Equal(t, []string{"3"}, ids(transport.LaneConnect))
	require.Empty(t, ids(transport.LaneConnect))
	require.Empty(t, ids(transport.LaneCommands), "what is not due keeps its place")
	due = true
	require.Equal(t, []string{"4"}, ids(transport.LaneCommands))
	require.Equal(t, []string{"5"}, ids(transport.LaneCommands))

	r := h.Record()
	require.Equal(t, [2]int{5, 2}, r.Asked)
	require.Len(t, r.Draws, 4)
	require.Equal(t, transport.LaneConnect, r.Drew("3").Lane)
	require.Nil(t, r.Drew("6"))
}

func TestHandlerRecords(t *testing.T) {
	var h Handler
	reply := bayeux.Message{Channel: "/a", ID: "1", Meta: &bayeux.Meta{Verdict: true}}
	h.Receive(1, []bayeux.Message{{Channel: "/a", ID: "1", Data: []byte("1")}, reply})
	h.Receive(2, []bayeux.Message{{Channel: "/a", Data: []byte("1")}, {Channel: "/b", Data: []byte("1")}})
	err := &transport.Error{Op: "read", Err: errors.New("reset")}
	h.End(1, nil)
	h.End(2, err)
	r := h.Record()
	require.Equal(t, &reply, r.Reply("1"), "an event with the id of ours is no reply")
	require.Nil(t, r.Reply("2"))
	require.Len(t, r.Events("/a"), 2)
	require.Nil(t, r.Ended(1).Err)
	require.Equal(t, err, r.Ended(2).Err)
	require.Nil(t, r.Ended(3))
}

func TestAwait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var h Handler
		ended := func(n int) func(Record) bool { return func(r Record) bool { return len(r.Ends) == n } }
		time.AfterFunc(time.Second, func() { h.End(1, nil) })
		start := time.Now()
		_, ok := h.Await(time.Minute, ended(1))
		require.True(t, ok)
		require.Equal(t, time.Second, time.Since(start))
		r, ok := h.Await(time.Minute, ended(2))
		require.False(t, ok)
		require.Len(t, r.Ends, 1)
		require.Equal(t, time.Minute+time.Second, time.Since(start))
		_, ok = h.Await(0, ended(1))
		require.True(t, ok, "asked at least once")
	})
}
