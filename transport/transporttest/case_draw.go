package transporttest

import (
	"fmt"
	"sync"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/turold/turold/bayeux"
	"github.com/turold/turold/transport"
)

// quiet: an Opener does no I/O and calls nothing before the first Wake.
func quiet(r *rig) {
	r.h.Queue(transport.LaneCommands, r.handshake())
	time.Sleep(time.Hour)
	synctest.Wait()
	require.LessOrEqual(r, goroutines(), r.goroutinesBefore, "a goroutine runs before the first Wake")
	require.Zero(r, r.net.Dials(address), "dialled before the first Wake")
	require.Zero(r, r.h.Record().Asked)
}

// nothingToSay: a pipe that was given nothing sends and ends nothing.
func nothingToSay(r *rig) {
	r.pipe.Wake(transport.LaneCommands)
	r.pipe.Wake(transport.LaneConnect)
	time.Sleep(time.Second)
	rec := r.h.Record()
	require.Empty(r, rec.Draws)
	require.Empty(r, rec.Receipts, "handed up what nobody asked for")
	require.Empty(r, rec.Ends, "ended what carried nothing")
}

// begins: the plain course of things, and what a leg says of itself.
func handshakeThenConnect(r *rig) {
	types := r.pipe.Types()
	require.NotEmpty(r, types)
	r.startSession()
	r.awaitHeldConnect()
	require.True(r, r.reply(r.send(r.event("/a", "x"))).Granted())
	require.Equal(r, types, r.pipe.Types(), "the types are constant")
	rec := r.h.Record()
	for _, d := range rec.Draws {
		require.NotZero(r, d.Leg.ID)
		require.Contains(r, types, d.Leg.Type)
		require.Positive(r, d.Leg.Limit)
		require.GreaterOrEqual(r, d.Leg.Hold, time.Duration(0))
		if end := rec.Ended(d.Leg.ID); end != nil {
			require.Nil(r, end.Err, "the leg ended in order")
		}
	}
	if first := rec.Draws[0].Leg; first.Once {
		require.NotNil(r, rec.Ended(first.ID), "an exchange ends with its answer")
	}
}

// oneFrame: what Next returned leaves as one frame or body, in its order.
func oneFrame(r *rig) {
	r.startSession()
	r.awaitHeldConnect()
	batch := []bayeux.Message{r.event("/a", "1"), r.event("/b", "2"), r.event("/a", "3")}
	r.reply(r.send(batch...))
	got := r.bayeux.frame(batch[0].ID)
	require.Len(r, got, 3)
	for i := range batch {
		require.Equal(r, batch[i].ID, got[i].ID)
		require.Equal(r, string(batch[i].Data), string(got[i].Data), "data as it was given")
	}
}

// wakeDuringDraw: a Wake while Next runs is not lost, whatever Next returns.
func wakeDuringDraw(r *rig) {
	r.startSession()
	r.awaitHeldConnect()
	for _, first := range []string{"nothing", "a batch"} {
		asked := false
		m := r.event("/a", first)
		r.h.QueueFunc(transport.LaneCommands, func(transport.Leg) []bayeux.Message {
			if !asked {
				asked = true
				r.pipe.Wake(transport.LaneCommands)
				if first == "nothing" {
					return nil
				}
			}
			return []bayeux.Message{m}
		})
		last := m.ID
		if first == "a batch" {
			second := r.event("/a", "second")
			r.h.Queue(transport.LaneCommands, second)
			last = second.ID
		}
		r.pipe.Wake(transport.LaneCommands)
		require.True(r, r.reply(last).Granted(), "after %s", first)
	}
}

// wakeStorm: each batch is drawn, and leaves, once.
func wakeStorm(r *rig) {
	r.startSession()
	r.awaitHeldConnect()
	const wakers, batches = 4, 25
	var all sync.WaitGroup
	ids := make([][]string, wakers)
	for w := range wakers {
		all.Go(func() {
			for i := range batches {
				m := r.event("/a", fmt.Sprint(w, ".", i))
				ids[w] = append(ids[w], m.ID)
				r.send(m)
				r.pipe.Wake(transport.LaneConnect)
			}
		})
	}
	all.Wait()
	for _, more := range ids {
		for _, id := range more {
			require.True(r, r.reply(id).Granted())
		}
	}
}

// order: what one leg brings is in the order in which it was published.
func order(r *rig) {
	const events = 200
	r.startSession()
	r.awaitHeldConnect()
	r.subscribe("/seq")
	for i := range events {
		require.NoError(r, r.bayeux.Publish("/seq", i))
		if i%3 == 0 {
			time.Sleep(time.Millisecond)
		}
	}
	rec := r.await("all events", func(rec Record) bool { return len(rec.Events("/seq")) >= events })
	require.Len(r, rec.Events("/seq"), events, "each event once")
	last := map[transport.LegID]int{}
	for _, f := range rec.Receipts {
		for _, m := range f.Messages {
			if m.Channel != "/seq" || !m.IsEvent() {
				continue
			}
			var n int
			_, err := fmt.Sscan(string(m.Data), &n)
			require.NoError(r, err)
			require.GreaterOrEqual(r, n, last[f.Leg], "out of order on leg %d", f.Leg)
			last[f.Leg] = n
		}
	}
}
