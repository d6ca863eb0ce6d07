package bayeuxtest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"

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
	if breaksProtocol(ms) {
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
			s.count(func(st *Stats) { st.Connects++ })
			if connect != nil { // of several the last may be held
				o.replies = append(o.replies, s.connectReplyEarly(last, connect))
			}
			connect, last = m, x
		default:
			s.startBatch(x)
			o.replies, last = append(o.replies, s.command(x, m, in.written(i))...), x
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if last != nil {
		s.endBatch(from, &o, last, connect, len(ms) == 1)
	}
	if from.sock != nil { // before anybody publishes more
		from.sock.answer(o.events, o.replies)
	}
	return o, nil
}

// startBatch makes events for the session wait for endBatch.
func (s *Server) startBatch(x *Session) {
	s.mu.Lock()
	defer s.mu.Unlock()
	x.inBatch = true
}

// connectReplyEarly returns the reply to a connect before its batch has ended.
func (s *Server) connectReplyEarly(x *Session, m *bayeux.Message) bayeux.Message {
	s.mu.Lock()
	defer s.mu.Unlock()
	return x.connectReply(*m)
}

// breaksProtocol reports whether a batch breaks the protocol, so that the server takes
// none of it: a handshake must be alone, and channels must have segments.
func breaksProtocol(ms []bayeux.Message) bool {
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

func (s *Server) count(f func(*Stats)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f(&s.stats)
}

// refuse returns the error of a message that the server refuses; empty: it does not. A
// rule for messages of sessions applies only if x is not nil.
func (s *Server) refuse(from *origin, m *bayeux.Message, x *Session) string {
	subscribes := m.Channel == bayeux.MetaSubscribe || m.Channel == bayeux.MetaUnsubscribe
	if refusal := malformed(m); refusal != "" {
		return refusal
	}
	switch {
	case x == nil && m.Channel != bayeux.MetaHandshake:
		return ""
	case m.Channel.Meta() && !isKnownMeta(m.Channel):
		return "403:denied_by_security_policy:channel_create_denied"
	case subscribes && len(m.Meta.Subscription) == 0:
		return "403::subscription_missing"
	}
	for _, ch := range m.Meta.Subscription {
		switch {
		case !hasValidName(ch):
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

// malformed returns the error of a message that no client may send; empty: it is not one.
func malformed(m *bayeux.Message) string {
	switch {
	case m.Channel == "":
		return "400::channel_missing"
	case !alphanumeric(m.ID):
		return "405::message_id_invalid"
	case !hasValidName(m.Channel):
		return "405::channel_invalid"
	}
	return ""
}

func isKnownMeta(ch bayeux.Channel) bool {
	switch ch {
	case bayeux.MetaHandshake, bayeux.MetaConnect, bayeux.MetaSubscribe, bayeux.MetaUnsubscribe, bayeux.MetaDisconnect:
		return true
	}
	return false
}

// hasValidName reports whether CometD accepts the name of a channel. It looks at the
// characters only, so that a client may publish to a pattern.
func hasValidName(ch bayeux.Channel) bool {
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
	if x != nil && from.sock != nil && s.d.HandshakeOnSocket && x.bornOn != from.sock {
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
	x.bornOn = from.sock
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
