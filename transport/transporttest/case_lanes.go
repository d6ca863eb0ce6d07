package transporttest

import (
	"bytes"
	"fmt"
	"strings"
	"sync"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/turold/turold/bayeux"
	"github.com/turold/turold/transport"
)

// commandPastConnect: while a connect is held a command is answered at once.
func commandPastConnect(r *rig) {
	r.startSession()
	r.awaitHeldConnect()
	for range 3 {
		start := time.Now()
		r.reply(r.send(r.event("/a", "x")))
		require.Zero(r, time.Since(start), "a command waited for the connect")
	}
}

// connectPastCommand: while a command is slow a connect leaves at once. On a
// socket it is for the server to answer one before the other.
func connectPastCommand(r *rig) {
	r.startSession()
	held := r.awaitHeldConnect()
	if !held.Leg.Once {
		return
	}
	r.bayeux.delay("/slow", 5*time.Second)
	slow := r.send(r.event("/slow", "x"))
	synctest.Wait()
	start := time.Now()
	r.pipe.Cut(held.Leg.ID, errCause)
	rec := r.await("another connect", func(rec Record) bool {
		last := rec.Draws[len(rec.Draws)-1]
		return last.Lane == transport.LaneConnect && last.Leg.ID != held.Leg.ID
	})
	next := rec.Draws[len(rec.Draws)-1]
	synctest.Wait()
	require.NotNil(r, r.bayeux.frame(next.Batch[0].ID), "a connect waited for a command")
	require.LessOrEqual(r, time.Since(start), time.Second)
	require.Nil(r, r.h.Record().Reply(slow), "the command is still out")
	require.True(r, r.reply(slow).Granted(), "and is answered in the end")
}

// memory: what was handed up is the Handler's. It stays as it was, and what
// the Handler does to it harms nothing that comes later.
func memory(r *rig) {
	type kept struct {
		m    *bayeux.Message
		then bayeux.Message
	}
	var all []kept
	n := 0
	var mu sync.Mutex // legs may receive side by side
	r.onReceive = func(_ transport.LegID, ms []bayeux.Message) {
		mu.Lock()
		defer mu.Unlock()
		if n++; n%2 == 0 {
			for i := range ms {
				scribble(ms[i].Data)
				scribble(ms[i].Ext)
			}
			return
		}
		for i := range ms {
			all = append(all, kept{&ms[i], ms[i].Clone()})
		}
	}
	r.startSession()
	r.subscribe("/a")
	for i := range 40 {
		r.reply(r.send(r.event("/a", strings.Repeat(fmt.Sprint(i), 50+i))))
	}
	r.awaitHeldConnect()
	mu.Lock()
	defer mu.Unlock()
	require.NotEmpty(r, all)
	for _, k := range all {
		require.Equal(r, k.then, *k.m, "memory handed up has changed")
	}
}

func scribble(b []byte) { copy(b, bytes.Repeat([]byte("!"), len(b))) }

// reentrant: all Transport methods but Close may be called from inside a
// Handler method.
func reentrant(r *rig) {
	calls := 0
	r.onCall = func() {
		r.mu.Lock()
		calls++
		more := calls < 200 // a Wake inside Next causes another Next
		r.mu.Unlock()
		if !more {
			return
		}
		r.pipe.Types()
		r.pipe.Drain(transport.NewLegID())
		r.pipe.Cut(transport.NewLegID(), fmt.Errorf("no such leg"))
		r.pipe.Wake(transport.LaneConnect)
		r.pipe.Wake(transport.LaneCommands)
	}
	r.startSession()
	for range 10 {
		require.True(r, r.reply(r.send(r.event("/a", "x"))).Granted())
	}
	r.awaitHeldConnect()
}
