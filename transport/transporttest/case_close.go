package transporttest

import (
	"strings"
	"sync"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/turold/turold/bayeux"
	"github.com/turold/turold/transport"
)

// states are those that Close may find a pipe in.
var states = []struct {
	name string
	get  func(*rig)
}{
	{"never woken", func(*rig) {}},
	{"idle", (*rig).handshakeOnly},
	{"holding", func(r *rig) { r.startSession(); r.awaitHeldConnect() }},
	{"opening", func(r *rig) { r.send(r.handshake()) }},
	{"dialling", func(r *rig) {
		r.net.BlackHole(address, true)
		r.send(r.handshake())
		time.Sleep(time.Second)
	}},
	{"refused", func(r *rig) {
		r.net.Refuse(address, true)
		r.dialFails()
	}},
	{"handshaking", func(r *rig) {
		r.bayeux.delay(bayeux.MetaHandshake, patience)
		r.send(r.handshake())
		time.Sleep(time.Second)
	}},
	{"waiting on both lanes", func(r *rig) {
		r.startSession()
		r.awaitHeldConnect()
		r.bayeux.delay("/slow", patience)
		r.send(r.event("/slow", "x"))
		time.Sleep(time.Second)
	}},
	{"mute", func(r *rig) {
		r.startSession()
		r.awaitHeldConnect()
		r.net.Stall(address, true, true)
		r.send(r.event("/a", "x"))
		time.Sleep(time.Second)
	}},
	{"stuck in a write", func(r *rig) {
		r.startSession()
		r.awaitHeldConnect()
		r.net.Stall(address, true, true)
		for range 5 {
			r.h.QueueFunc(transport.LaneCommands, func(l transport.Leg) []bayeux.Message {
				return []bayeux.Message{r.event("/a", strings.Repeat("x", l.Limit-200))}
			})
		}
		r.pipe.Wake(transport.LaneCommands)
		time.Sleep(time.Second)
	}},
	{"draining", func(r *rig) {
		r.startSession()
		d := r.awaitHeldConnect()
		r.net.Stall(address, true, true)
		r.pipe.Drain(d.Leg.ID)
	}},
	{"reset", func(r *rig) {
		r.startSession()
		r.awaitHeldConnect()
		r.net.Reset(address)
		synctest.Wait()
	}},
}

// closes: from whatever state, Close is prompt, cuts what is out, and nothing
// comes after it. What rig.close checks holds for each.
func closeOpen(r *rig) {
	for _, s := range states {
		one := newRig(named{r.TestingT, s.name}, r.Pipe)
		func() {
			defer one.stop()
			s.get(one)
			before := one.h.Record()
			one.close()
			after := one.h.Record()
			for _, e := range after.Ends[len(before.Ends):] {
				if after.drawn(e.Leg) && e.Err != nil && e.Err.Op == "cut" {
					require.ErrorIs(one, e.Err.Err, transport.ErrClosed)
				}
			}
		}()
	}
}

// named puts the state's name in front of what fails.
type named struct {
	require.TestingT
	name string
}

func (n named) Errorf(format string, args ...any) {
	n.TestingT.Errorf("%s: "+format, append([]any{n.name}, args...)...)
}

// drawn reports whether a leg carried a batch.
func (r Record) drawn(id transport.LegID) bool {
	for _, d := range r.Draws {
		if d.Leg.ID == id {
			return true
		}
	}
	return false
}

// closeConcurrently: Close may be called at once from many sides, while others
// wake, cut and drain.
func closeConcurrently(r *rig) {
	r.startSession()
	held := r.awaitHeldConnect()
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			r.send(r.event("/a", "x"))
			r.pipe.Wake(transport.LaneConnect)
			r.pipe.Cut(held.Leg.ID, errCause)
		})
		all.Go(func() { require.NoError(r, r.pipe.Close()) })
		all.Go(func() { r.pipe.Drain(held.Leg.ID) })
	}
	all.Wait()
}
