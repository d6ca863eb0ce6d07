package bayeuxtest

import (
	"encoding/json"
	"errors"

	"github.com/turold/turold/bayeux"
)

// command executes a subscribe, unsubscribe, disconnect or publish.
func (s *Server) command(x *Session, m *bayeux.Message, written json.RawMessage) []bayeux.Message {
	if !m.Channel.Meta() {
		return s.publish(x, m, written)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	r := success(*m)
	r.Meta.Subscription = m.Meta.Subscription
	switch m.Channel {
	case bayeux.MetaSubscribe:
		s.stats.Subscribes++
		for _, ch := range m.Meta.Subscription {
			if !ch.Service() {
				x.subs[ch] = true
			}
		}
	case bayeux.MetaUnsubscribe:
		for _, ch := range m.Meta.Subscription {
			if !ch.Service() && !s.subscribed(ch) {
				r = failure(*m, "400::channel_missing")
			}
			delete(x.subs, ch)
		}
	case bayeux.MetaDisconnect:
		x.onDisconnect()
	}
	return []bayeux.Message{x.sign(r)}
}

// subscribed reports whether any session is subscribed: without one the channel does not
// exist.
func (s *Server) subscribed(ch bayeux.Channel) bool {
	for _, x := range s.sessions {
		if x.subs[ch] {
			return true
		}
	}
	return false
}

// onDisconnect is called when the client disconnects: it answers a held connect.
func (x *Session) onDisconnect() {
	h := x.held
	x.held = nil
	x.remove()
	if h == nil {
		return
	}
	h.timer.Stop()
	reply := success(h.m)
	reply.Meta.Advice = &bayeux.Advice{Reconnect: bayeux.ReconnectNone}
	if h.sock != nil {
		h.sock.answer(nil, append(h.replies, reply))
	} else {
		h.finish(x.s.join(nil, append(h.replies, reply)), false)
	}
}

// sign adds the fields that every meta reply of the session carries.
func (x *Session) sign(r bayeux.Message) bayeux.Message {
	if x.ack && r.Channel.Meta() {
		r.Ext = json.RawMessage(`{}`)
	}
	return r
}

func (s *Server) publish(x *Session, m *bayeux.Message, written json.RawMessage) []bayeux.Message {
	s.count(func(st *Stats) { st.Publishes++ })
	if m.Channel.Service() {
		s.mu.Lock()
		call := s.calls[m.Channel]
		s.mu.Unlock()
		if call == nil {
			return []bayeux.Message{x.sign(success(*m))}
		}
		return s.call(x, m, call)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.broadcast(s.relayed(m, written))
	return []bayeux.Message{x.sign(success(*m))}
}

// call answers a remote call as CometD does: by one reply with the data and another
// without.
func (s *Server) call(x *Session, m *bayeux.Message, call Call) []bayeux.Message {
	v, err := call(x, *m)
	var raw json.RawMessage
	if err == nil {
		raw, err = json.Marshal(v)
	}
	if err != nil {
		text := "500::" + err.Error()
		var refused *bayeux.Error
		if errors.As(err, &refused) {
			text = refused.Raw
		}
		return []bayeux.Message{failure(*m, text)}
	}
	result := success(*m)
	result.Data = raw
	return []bayeux.Message{result, x.sign(success(*m))}
}
