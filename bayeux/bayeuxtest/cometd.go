package bayeuxtest

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/turold/turold/bayeux"
	"github.com/turold/turold/transport"
)

// An origin is where a batch came from.
type origin struct {
	r       *http.Request
	browser string  // of the cookie
	sock    *socket // nil: long-polling
}

// An outcome is what a batch is answered with.
type outcome struct {
	events  []outgoing
	replies []bayeux.Message
	held    *held  // the replies wait for it
	browser string // a cookie to set
}

// process works on a batch as CometD does. Hooks and calls run without the
// lock, so it takes the batch message by message.
func (s *Server) process(from *origin, in incoming) (o outcome, err error) {
	ms := in.ms
	if violates(ms) {
		return o, errViolation
	}
	var last *Session
	var connect *bayeux.Message
	for i := range ms {
		m := &ms[i]
		s.mu.Lock()
		x := s.find(from, m)
		s.mu.Unlock()
		refusal := s.refuse(from, m, x)
		if s.d.OneUnknown && refusal == "" && x == nil && m.Channel != bayeux.MetaHandshake {
			o.replies = append(o.replies, s.unknown(*m))
			break
		}
		switch {
		case refusal != "":
			r := failure(*m, refusal)
			if m.Channel == bayeux.MetaHandshake {
				r.Meta.Advice = &bayeux.Advice{Reconnect: bayeux.ReconnectNone}
			}
			o.replies = append(o.replies, r)
		case m.Channel == bayeux.MetaHandshake:
			r, y := s.handshake(from, m)
			o.replies, o.browser, last = append(o.replies, r), y.browser, y
		case x == nil:
			o.replies = append(o.replies, s.unknown(*m))
		case m.Channel == bayeux.MetaConnect:
			s.note(func(st *Stats) { st.Connects++ })
			if connect != nil { // of several the last may be held
				o.replies = append(o.replies, s.early(last, connect))
			}
			connect, last = m, x
		default:
			s.begin(x)
			o.replies, last = append(o.replies, s.command(x, m, in.written(i))...), x
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if last != nil {
		s.conclude(from, &o, last, connect, len(ms) == 1)
	}
	if from.sock != nil { // before anybody publishes more
		from.sock.answer(o.events, o.replies)
	}
	return o, nil
}

// begin has what the session is sent wait for conclude.
func (s *Server) begin(x *Session) {
	s.mu.Lock()
	defer s.mu.Unlock()
	x.working = true
}

func (s *Server) early(x *Session, m *bayeux.Message) bayeux.Message {
	s.mu.Lock()
	defer s.mu.Unlock()
	return x.connectReply(*m)
}

// violates reports whether a batch breaks the protocol, so that none of it is
// taken: a handshake goes alone, and channels have segments.
func violates(ms []bayeux.Message) bool {
	for i := range ms {
		m := &ms[i]
		if m.Meta == nil {
			m.Meta = new(bayeux.Meta)
		}
		if m.Channel == bayeux.MetaHandshake && len(ms) > 1 || strings.Contains(string(m.Channel), "//") {
			return true
		}
		for _, ch := range m.Meta.Subscription {
			if strings.Contains(string(ch), "*/") {
				return true
			}
		}
	}
	return len(ms) == 0
}

func (s *Server) note(f func(*Stats)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f(&s.stats)
}

// refuse is the error of a message that goes no further; empty: none. What is
// only for sessions is not looked at without one.
func (s *Server) refuse(from *origin, m *bayeux.Message, x *Session) string {
	subscribes := m.Channel == bayeux.MetaSubscribe || m.Channel == bayeux.MetaUnsubscribe
	if refusal := malformed(m); refusal != "" {
		return refusal
	}
	switch {
	case x == nil && m.Channel != bayeux.MetaHandshake:
		return ""
	case m.Channel.Meta() && !known(m.Channel):
		return "403:denied_by_security_policy:channel_create_denied"
	case subscribes && len(m.Meta.Subscription) == 0:
		return "403::subscription_missing"
	}
	for _, ch := range m.Meta.Subscription {
		switch {
		case !named(ch):
			return "403::subscription_invalid"
		case ch.Meta():
			return "403:denied_by_security_policy:subscribe_denied"
		}
	}
	asked := m.Channel == bayeux.MetaHandshake || m.Channel == bayeux.MetaSubscribe || !m.Channel.Meta()
	if s.o.Authorize != nil && asked {
		return s.o.Authorize(from.r, *m)
	}
	return ""
}

// malformed is the error of a message that nobody may send; empty: none.
func malformed(m *bayeux.Message) string {
	switch {
	case m.Channel == "":
		return "400::channel_missing"
	case !alphanumeric(m.ID):
		return "405::message_id_invalid"
	case !named(m.Channel):
		return "405::channel_invalid"
	}
	return ""
}

func known(ch bayeux.Channel) bool {
	switch ch {
	case bayeux.MetaHandshake, bayeux.MetaConnect, bayeux.MetaSubscribe, bayeux.MetaUnsubscribe, bayeux.MetaDisconnect:
		return true
	}
	return false
}

// named reports whether CometD takes a channel's name: it looks at the
// characters only, so that a pattern may be published to.
func named(ch bayeux.Channel) bool {
	return len(ch) > 1 && ch[0] == '/' && strings.IndexFunc(string(ch), func(r rune) bool {
		return !alphanumeric(string(r)) && !strings.ContainsRune(" !#$()*+-./@_{~}", r)
	}) < 0
}

func alphanumeric(id string) bool {
	return strings.IndexFunc(id, func(r rune) bool {
		return !('0' <= r && r <= '9' || 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z')
	}) < 0
}

// find returns the session of a message, if it may be used from there: by
// long-polling only with the cookie it was born with.
func (s *Server) find(from *origin, m *bayeux.Message) *Session {
	x := s.sessions[m.Meta.ClientID]
	if x != nil && from.sock != nil && s.d.HandshakeOnSocket && x.born != from.sock {
		return nil
	}
	if x != nil && !s.d.NoCookie && from.sock == nil && (x.browser == "" || x.browser != from.browser) {
		return nil
	}
	return x
}

func (s *Server) unknown(m bayeux.Message) bayeux.Message {
	r := failure(m, "402::session_unknown")
	if s.d.OneUnknown {
		r.Meta.Error = "invalid clientId"
	}
	if m.Channel == bayeux.MetaConnect || s.d.OneUnknown {
		r.Meta.Advice = &bayeux.Advice{Reconnect: bayeux.ReconnectHandshake, Interval: bayeux.Millis(0)}
	}
	return r
}

func (s *Server) handshake(from *origin, m *bayeux.Message) (bayeux.Message, *Session) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stats.Handshakes++
	browser := from.browser
	switch {
	case from.sock != nil:
		browser = ""
	case browser == "":
		browser = newBrowser()
	}
	ack := false
	if !s.o.NoAck {
		var ext struct{ Ack bool }
		_ = json.Unmarshal(m.Ext, &ext)
		ack = ext.Ack
	}
	x := s.newSession(browser, ack)
	x.born = from.sock
	r := success(*m)
	r.Meta.ClientID, r.Meta.Version, r.Meta.MinimumVersion = x.id, "1.0", "1.0"
	r.Meta.Advice = s.advice()
	r.Meta.SupportedConnectionTypes = s.types()
	if s.o.Profile == Lyrion {
		r.Meta.MinimumVersion = ""
	}
	if ack {
		r.Ext = json.RawMessage(`{"ack":true}`)
	}
	return r, x
}

func (s *Server) types() []string {
	out := []string{}
	if !s.o.NoWebSocket {
		out = append(out, transport.WebSocket)
	}
	if !s.o.NoLongPolling {
		out = append(out, transport.LongPolling)
	}
	switch s.o.Profile {
	case Lyrion:
		out = append(out, "streaming")
	case Cumulocity:
		out = append(out, "smartrest-long-polling", "smartrest-websocket")
	}
	return out
}

func (s *Server) advice() *bayeux.Advice {
	return &bayeux.Advice{Reconnect: bayeux.ReconnectRetry, Interval: bayeux.Millis(s.o.Interval), Timeout: bayeux.Millis(s.o.Timeout)}
}

// command does a subscribe, unsubscribe, disconnect or publish.
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
		x.leave()
	}
	return []bayeux.Message{x.sign(r)}
}

// subscribed reports whether anybody is, without which the channel is none.
func (s *Server) subscribed(ch bayeux.Channel) bool {
	for _, x := range s.sessions {
		if x.subs[ch] {
			return true
		}
	}
	return false
}

// leave is the client's goodbye: a held connect is answered.
func (x *Session) leave() {
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

// sign adds what every meta reply of the session carries.
func (x *Session) sign(r bayeux.Message) bayeux.Message {
	if x.ack && r.Channel.Meta() {
		r.Ext = json.RawMessage(`{}`)
	}
	return r
}

func (s *Server) publish(x *Session, m *bayeux.Message, written json.RawMessage) []bayeux.Message {
	s.note(func(st *Stats) { st.Publishes++ })
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

// call answers a remote call as CometD does: with a reply that has the data
// and another that has not.
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

// conclude decides what goes out with the replies, and whether they wait. It is
// called with the mutex held.
func (s *Server) conclude(from *origin, o *outcome, x *Session, connect *bayeux.Message, alone bool) {
	x.working = false
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
			x.rest()
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
	hold := x.s.o.Timeout
	x.lease = 0
	if a := m.Advice(); a != nil {
		if a.Timeout != nil {
			hold = *a.Timeout
		}
		if a.Interval != nil {
			x.lease = *a.Interval
		}
	}
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
	if mayHold && from.sock != nil {
		x.sock = from.sock
	}
	if !mayHold {
		if x.held == nil {
			x.rest()
		}
		reply := x.connectReply(*m)
		x.advised = elsewhere // the poll that was spared says that something changed
		o.events, o.replies = x.flush(), append(o.replies, reply)
		return
	}
	if push {
		o.events = x.flush()
	}
	x.expiry.Stop()
	h := &held{m: *m, sock: from.sock, replies: o.replies}
	if h.sock == nil {
		h.result = make(chan answer, 1)
	}
	h.timer = time.AfterFunc(hold, func() {
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

func success(m bayeux.Message) bayeux.Message {
	return bayeux.Message{Channel: m.Channel, ID: m.ID, Meta: &bayeux.Meta{Verdict: true, Successful: true}}
}

func failure(m bayeux.Message, text string) bayeux.Message {
	r := success(m)
	r.Meta.Successful, r.Meta.Error, r.Meta.Subscription = false, text, m.Meta.Subscription
	return r
}

func ackOf(ext json.RawMessage) int64 {
	var o struct{ Ack *int64 }
	if json.Unmarshal(ext, &o) != nil || o.Ack == nil {
		return -1
	}
	return *o.Ack
}

func ackExt(n int64) json.RawMessage {
	return json.RawMessage(fmt.Sprintf(`{"ack":%s}`, strconv.FormatInt(n, 10)))
}
