package bayeuxtest

import (
	"time"

	"github.com/turold/turold/bayeux"
)

// endBatch decides which events go with the replies, and whether the replies wait for
// the connect. Called with the mutex held.
func (s *Server) endBatch(from *origin, o *outcome, x *Session, connect *bayeux.Message, alone bool) {
	x.inBatch = false
	if x.gone {
		return
	}
	if from.sock != nil && x.sock != from.sock && o.browser == "" && !s.d.AdoptWhenHeld {
		x.supersede() // any message of the session moves it to the socket
		x.sock = from.sock
	}
	if connect == nil {
		if x.held == nil {
			x.lease = 0
			x.startExpiry()
		}
		if !x.ack && o.browser == "" {
			o.events = x.flush()
		}
		if x.held != nil && len(x.queue) > 0 {
			x.release()
		}
		return
	}
	x.connect(from, o, connect, alone)
}

// connect answers a connect, or holds it.
func (x *Session) connect(from *origin, o *outcome, m *bayeux.Message, alone bool) {
	hold := x.connectWishes(m)
	if from.sock == nil {
		x.sock = nil
	}
	x.acknowledged(ackOf(m.Ext))
	first := !x.connected
	x.connected, x.kind = true, m.Meta.ConnectionType
	push := from.sock != nil && !x.ack // what waits goes ahead, and does not end the hold
	mayHold := hold > 0 && !first && (len(x.queue) == 0 || push) && (alone || from.sock != nil)
	// A connect that is not held leaves one that is held on the same socket alone.
	elsewhere := x.held != nil && x.held.sock != from.sock
	if x.held != nil && (mayHold || x.held.sock == nil || elsewhere) && (mayHold || from.sock == nil || !x.s.d.AdoptWhenHeld) {
		x.supersede()
		elsewhere = false
	}
	if mayHold {
		if from.sock != nil {
			x.sock = from.sock
		}
		if push {
			o.events = x.flush()
		}
		x.hold(from, o, m, hold)
		return
	}
	if x.held == nil {
		x.startExpiry()
	}
	reply := x.connectReply(*m)
	x.adviseNext = elsewhere // the poll that was spared says that something changed
	o.events, o.replies = x.flush(), append(o.replies, reply)
}

// connectWishes takes the lease that a connect asks for, and returns its hold.
func (x *Session) connectWishes(m *bayeux.Message) (hold time.Duration) {
	hold = x.s.o.Timeout
	x.lease = 0
	if a := m.Advice(); a != nil {
		if a.Timeout != nil {
			hold = *a.Timeout
		}
		if a.Interval != nil {
			x.lease = *a.Interval
		}
	}
	return hold
}

// hold keeps a connect, and the replies that came with it, until there is an event or
// the time is over.
func (x *Session) hold(from *origin, o *outcome, m *bayeux.Message, d time.Duration) {
	x.expiry.Stop()
	h := &held{m: *m, sock: from.sock, replies: o.replies}
	if h.sock == nil {
		h.result = make(chan answer, 1)
	}
	h.timer = time.AfterFunc(d, func() {
		x.s.mu.Lock()
		defer x.s.mu.Unlock()
		switch {
		case x.held == h:
			x.release()
		case h.sock == nil:
			h.finish(x.s.join(nil, []bayeux.Message{success(h.m)}), false)
		}
	})
	x.held, o.held, o.replies = h, h, nil
}
