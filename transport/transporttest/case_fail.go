package transporttest

import (
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

// reset: a connection that dies takes its leg with it, and the truth is that
// what it carried may have arrived.
func reset(r *rig) {
	r.startSession()
	held := r.awaitHeldConnect()
	start := time.Now()
	r.net.Reset(address)
	end := r.end(held.Leg.ID)
	require.NotNil(r, end.Err, "a leg whose connection was reset ended in order")
	require.NotEqual(r, "cut", end.Err.Op)
	require.False(r, end.Err.Unsent, "the connect had left")
	require.LessOrEqual(r, end.At.Sub(start), closeLimit)
	r.awaitHeldConnect()
	require.True(r, r.reply(r.send(r.event("/a", "x"))).Granted(), "the session goes on")
}

// refused: what could not be dialled is unsent, and is not tried again unasked.
func refused(r *rig) {
	r.net.Refuse(address, true)
	id := r.dialFails()
	dials, ends := r.net.Dials(address), len(r.h.Record().Ends)
	time.Sleep(10 * time.Minute)
	if !r.Probes {
		require.Equal(r, dials, r.net.Dials(address), "dialled again by itself")
		require.Len(r, r.h.Record().Ends, ends)
	}
	r.net.Refuse(address, false)
	if r.h.Record().Drew(id) != nil {
		r.startSession()
	} else {
		r.pipe.Wake(0)
		require.True(r, r.reply(id).Granted(), "the network is back")
	}
}

// blackHole: a dial that is never answered fails within a minute.
func blackHole(r *rig) {
	r.net.BlackHole(address, true)
	r.dialFails()
}

// dialFails sends a handshake where nothing can be dialled and returns its id.
func (r *rig) dialFails() string {
	id := r.send(r.handshake())
	rec := r.await("the end of a leg", func(rec Record) bool { return len(rec.Ends) > 0 })
	for _, e := range rec.Ends {
		require.NotNil(r, e.Err)
		require.Equal(r, "dial", e.Err.Op, "%v", e.Err)
		require.Error(r, e.Err.Err)
		for _, d := range rec.Draws {
			if d.Leg.ID == e.Leg {
				require.True(r, e.Err.Unsent, "nothing can have left")
			}
		}
	}
	return id
}

// cutDial: a dial in progress holds up neither Cut nor Close.
func cutDial(r *rig) {
	r.net.BlackHole(address, true)
	id := r.send(r.handshake())
	time.Sleep(time.Second)
	synctest.Wait()
	d := r.h.Record().Drew(id)
	if d == nil {
		return // it draws when it is open: there is no leg to cut yet
	}
	start := time.Now()
	r.pipe.Cut(d.Leg.ID, errCause)
	end := r.end(d.Leg.ID)
	r.isCut(end, errCause)
	require.True(r, end.Err.Unsent, "nothing can have left")
	require.LessOrEqual(r, end.At.Sub(start), closeLimit)
}
