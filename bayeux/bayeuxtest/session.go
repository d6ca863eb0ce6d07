package bayeuxtest

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/gorilla/websocket"

	"github.com/turold/turold/bayeux"
)

// A Session is one client of a Server. Its methods are safe for concurrent use.
type Session struct {
	s       *Server
	id      string
	browser string // the cookie's value; empty: born on a socket
	ack     bool

	// guarded by the server's mutex
	gone       bool
	subs       map[bayeux.Channel]bool
	queue      []queued
	batch      int64 // the number of the batch that is filled now
	connected  bool  // the first connect has come, which is never held
	inBatch    bool  // a batch of its own is processed: events go with the replies meanwhile
	adviseNext bool  // the next connect's reply says so again
	held       *held
	sock       *socket // pushes go there; nil: none owns it
	bornOn     *socket // it began there; nil: by long-polling
	lease      time.Duration
	expiry     *time.Timer
	kind       string
	faye       *fayeConn // on Faye; nil: it has no connection
}

// queued is an event that waits, or waits to be acknowledged.
type queued struct {
	m     outgoing
	batch int64 // it was sent in; counts only while ack is on
}

// held is a connect that waits for something to deliver.
type held struct {
	m       bayeux.Message
	sock    *socket // nil: a poll
	replies []bayeux.Message
	timer   *time.Timer
	result  chan answer // of a poll; it takes one without blocking
}

// answer is how a poll ends.
type answer struct {
	ms  []outgoing // nil: as superseded
	cut bool
}

// finish ends a poll; the first end counts.
func (h *held) finish(ms []outgoing, cut bool) {
	if h.timer != nil {
		h.timer.Stop()
	}
	select {
	case h.result <- answer{ms, cut}:
	default:
	}
}

func (s *Server) newSession(browser string, ack bool) *Session {
	x := &Session{s: s, id: s.newID(), browser: browser, ack: ack, subs: map[bayeux.Channel]bool{}, batch: 1}
	x.expiry = time.AfterFunc(s.o.MaxInterval, x.expire)
	s.sessions[x.id] = x
	return x
}

// ID returns the clientId.
func (x *Session) ID() string { return x.id }

// Transport returns the connectionType of the last connect; empty before the first.
func (x *Session) Transport() string {
	x.s.mu.Lock()
	defer x.s.mu.Unlock()
	return x.kind
}

// Subscriptions returns the channels and patterns that the session subscribed to,
// sorted.
func (x *Session) Subscriptions() []bayeux.Channel {
	x.s.mu.Lock()
	defer x.s.mu.Unlock()
	return slices.Sorted(maps.Keys(x.subs))
}

// Deliver sends data to this session alone, subscribed or not.
func (x *Session) Deliver(ch bayeux.Channel, data any) error {
	raw, err := json.Marshal(data)
	if err != nil {
		return err
	}
	x.s.mu.Lock()
	defer x.s.mu.Unlock()
	x.enqueue(x.s.event(ch, raw))
	return nil
}

// What follows is called with the server's mutex held.

func (x *Session) isSubscribed(ch bayeux.Channel) bool {
	if x.s.d.OwnChannels && strings.HasPrefix(string(ch), "/"+x.id+"/") {
		return true
	}
	for p := range ch.Patterns {
		if x.subs[p] {
			return true
		}
	}
	return false
}

// enqueue takes an event, and sends it at once if there is a connection for it.
func (x *Session) enqueue(m outgoing) {
	if x.gone {
		return
	}
	m.to = x.id
	x.queue = append(x.queue, queued{m, x.batch})
	switch {
	case x.s.faye():
		x.flushQueue()
	case x.inBatch:
	case x.sock != nil && !x.ack:
		x.sock.push(x.flush())
	case x.held != nil:
		x.release()
	}
}

// flush returns the events that are to be sent now. With ack they stay in the queue
// until the client acknowledges their batch.
func (x *Session) flush() []outgoing {
	out := make([]outgoing, len(x.queue))
	for i, q := range x.queue {
		out[i] = q.m
	}
	if !x.ack {
		x.queue = nil
	}
	return out
}

// acknowledged drops the events of batch n and of those before.
func (x *Session) acknowledged(n int64) {
	i := 0
	for i < len(x.queue) && x.queue[i].batch <= n {
		i++
	}
	x.queue = x.queue[i:]
}

// release answers the connect that is held.
func (x *Session) release() {
	h := x.held
	x.held = nil
	h.timer.Stop()
	reply := x.connectReply(h.m)
	events := x.flush()
	x.startExpiry()
	if h.sock != nil {
		h.sock.answer(events, append(h.replies, reply))
		return
	}
	h.finish(x.s.join(events, append(h.replies, reply)), false)
}

// supersede ends a held connect for another: a poll gets HTTP 500, a connect
// on a socket no answer at all.
func (x *Session) supersede() {
	h := x.held
	if h == nil {
		return
	}
	x.held = nil
	h.timer.Stop()
	if h.sock == nil {
		h.finish(nil, false)
	}
}

// dropHeldPoll forgets a poll that is held, because its connection is about to be cut.
func (x *Session) dropHeldPoll() {
	if h := x.held; h != nil && h.sock == nil {
		x.held = nil
		x.startExpiry()
	}
}

// startExpiry starts the time that the session lives without a connect.
func (x *Session) startExpiry() { x.expiry.Reset(x.s.o.MaxInterval + x.lease) }

func (x *Session) expire() {
	x.s.mu.Lock()
	defer x.s.mu.Unlock()
	if x.held == nil {
		x.remove()
	}
}

func (x *Session) remove() {
	if x.gone {
		return
	}
	x.gone = true
	x.expiry.Stop()
	x.sock = nil
	delete(x.s.sessions, x.id)
	if c := x.faye; c != nil {
		if c.sock != nil {
			c.sock.closeAfterWrites(websocket.CloseNormalClosure)
		}
		x.detach()
	}
}

// disconnect ends the session by a /meta/disconnect of the server.
func (x *Session) disconnect() {
	bye := bayeux.Message{Channel: bayeux.MetaDisconnect, Meta: &bayeux.Meta{Verdict: true, Successful: true}}
	h := x.held
	x.held = nil
	if h == nil {
		x.remove()
		return
	}
	h.timer.Stop()
	reply := success(h.m)
	reply.Meta.Advice = &bayeux.Advice{Reconnect: bayeux.ReconnectNone}
	if h.sock != nil {
		h.sock.answer(nil, []bayeux.Message{bye})
		h.sock.answer(nil, []bayeux.Message{reply})
	} else {
		h.finish(x.s.join(nil, []bayeux.Message{bye, reply}), false)
	}
	x.remove()
}

// connectReply returns the reply to a connect, and ends a batch with it.
func (x *Session) connectReply(m bayeux.Message) bayeux.Message {
	r := success(m)
	if x.ack {
		r.Ext = ackExt(x.batch)
		x.batch++
	}
	if m.Meta.Advice != nil || x.adviseNext {
		x.adviseNext = false
		r.Meta.Advice = x.s.advice()
		if a := m.Advice(); a != nil && a.Interval != nil {
			r.Meta.Advice.Interval = a.Interval // CometD sends the wish back
		}
	}
	return r
}
