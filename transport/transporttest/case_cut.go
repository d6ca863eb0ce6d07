package transporttest

import (
	"errors"
	"sync/atomic"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/turold/turold/bayeux"
	"github.com/turold/turold/transport"
)

var errCause = errors.New("the cause that the test gave")

// isCut holds an End to what Cut promises.
func (r *rig) isCut(e *End, cause error) {
	require.NotNil(r, e.Err, "a leg that was cut ended in order")
	require.Equal(r, "cut", e.Err.Op)
	require.ErrorIs(r, e.Err.Err, cause)
}

// cutHeld: a Cut ends the leg at once, once, and nothing else.
func cutHeld(r *rig) {
	r.startSession()
	held := r.awaitHeldConnect()
	slow := ""
	if held.Leg.Once {
		r.bayeux.delay("/slow", 5*time.Second)
		slow = r.send(r.event("/slow", "x"))
	}
	synctest.Wait()
	start := time.Now()
	r.pipe.Cut(held.Leg.ID, errCause)
	r.pipe.Cut(held.Leg.ID, errors.New("too late"))
	end := r.end(held.Leg.ID)
	r.isCut(end, errCause)
	require.False(r, end.Err.Unsent, "the connect had left")
	require.LessOrEqual(r, end.At.Sub(start), closeLimit)
	if slow != "" {
		require.True(r, r.reply(slow).Granted(), "the other lane was touched")
		require.Nil(r, r.end(r.drew(slow).Leg.ID).Err, "the other lane was touched")
	}
	r.pipe.Cut(held.Leg.ID, errors.New("it has ended"))
	r.awaitHeldConnect()
	require.True(r, r.reply(r.send(r.event("/a", "x"))).Granted(), "the session goes on")
}

// cutInside: a leg may be cut while it hands up.
func cutInside(r *rig) {
	var once atomic.Bool
	r.onReceive = func(id transport.LegID, _ []bayeux.Message) {
		if once.CompareAndSwap(false, true) {
			r.pipe.Cut(id, errCause)
		}
	}
	id := r.send(r.handshake())
	r.reply(id)
	r.isCut(r.end(r.drew(id).Leg.ID), errCause)
	r.startSession()
	r.awaitHeldConnect()
}

// cutAnywhen: whatever instant a Cut comes at, the leg ends once and the pipe
// can be used again.
func cutAtEveryMoment(r *rig) {
	r.net.SetLatency(5 * time.Millisecond)
	r.bayeux.delay("/a", 10*time.Millisecond)
	r.startSession()
	r.awaitHeldConnect()
	for at := range 40 {
		id := r.send(r.event("/a", "x"))
		time.Sleep(time.Duration(at) * time.Millisecond)
		synctest.Wait()
		d := r.drew(id)
		answered := r.h.Record().Ended(d.Leg.ID) != nil
		r.pipe.Cut(d.Leg.ID, errCause)
		end := r.end(d.Leg.ID)
		if !answered {
			r.isCut(end, errCause)
		}
	}
	r.awaitHeldConnect()
}

// cutStalled: what a leg that was cut had not delivered does not come later,
// behind what the session has sent since.
func cutStalled(r *rig) {
	r.startSession()
	r.awaitHeldConnect()
	r.net.Stall(address, true, false)
	id := r.send(r.event("/a", "x"))
	synctest.Wait()
	d := r.drew(id)
	r.pipe.Cut(d.Leg.ID, errCause)
	r.isCut(r.end(d.Leg.ID), errCause)
	time.Sleep(time.Second)
	r.net.Stall(address, false, false)
	r.awaitHeldConnect()
	require.True(r, r.reply(r.send(r.event("/a", "x"))).Granted(), "the session goes on")
	require.Nil(r, r.bayeux.frame(id), "it came after it was cut")
}

// unknownLegs: what was never opened and what has ended is ignored.
func unknownLegs(r *rig) {
	none := transport.NewLegID()
	for _, id := range []transport.LegID{0, none} {
		r.pipe.Cut(id, errCause)
		r.pipe.Drain(id)
	}
	require.Zero(r, r.net.Dials(address))
	r.startSession()
	held := r.awaitHeldConnect()
	rec := r.h.Record()
	for _, id := range []transport.LegID{0, none} {
		r.pipe.Cut(id, errCause)
		r.pipe.Drain(id)
	}
	for _, e := range rec.Ends {
		r.pipe.Cut(e.Leg, errCause)
		r.pipe.Drain(e.Leg)
	}
	time.Sleep(time.Second)
	require.Nil(r, r.h.Record().Ended(held.Leg.ID), "another leg was ended")
}

// drain: a socket is left in order and draws no more; an exchange is not
// touched.
func drain(r *rig) {
	r.startSession()
	held := r.awaitHeldConnect()
	before := len(r.h.Record().Draws)
	r.h.Queue(transport.LaneCommands, r.event("/a", "x")) // what a draw on the leg would find
	start := time.Now()
	r.pipe.Drain(held.Leg.ID)
	if held.Leg.Once {
		time.Sleep(2 * time.Second)
		require.Nil(r, r.h.Record().Ended(held.Leg.ID), "Drain ended an exchange")
		require.True(r, r.reply(r.send(r.event("/a", "x"))).Granted())
		return
	}
	r.pipe.Wake(transport.LaneCommands)
	end := r.end(held.Leg.ID)
	require.LessOrEqual(r, end.At.Sub(start), time.Second+closeLimit)
	if end.Err != nil {
		require.Equal(r, "drain", end.Err.Op)
	}
	r.awaitHeldConnect()
	for _, d := range r.h.Record().Draws[before:] {
		require.NotEqual(r, held.Leg.ID, d.Leg.ID, "drawn on a leg that is drained")
	}
}

// checked: Check ends a socket whose peer is silent, soon, and leaves alone
// what lives or cannot be asked.
func check(r *rig) {
	r.pipe.Check() // nothing is open
	r.startSession()
	held := r.awaitHeldConnect()
	for range 3 {
		r.pipe.Check()
	}
	time.Sleep(5 * time.Second)
	synctest.Wait()
	require.Nil(r, r.h.Record().Ended(held.Leg.ID), "a leg that lives was ended")
	if held.Leg.Once {
		return
	}
	r.net.Stall(address, true, true)
	start := time.Now()
	r.pipe.Check()
	end := r.end(held.Leg.ID)
	require.NotNil(r, end.Err)
	require.Equal(r, "ping", end.Err.Op)
	require.LessOrEqual(r, end.At.Sub(start), 4*time.Second)
}
