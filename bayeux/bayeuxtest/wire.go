package bayeuxtest

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/turold/turold/bayeux"
)

// An outgoing is a message that goes to a client.
type outgoing struct {
	bayeux.Message
	to  string          // the clientId of the session that it is an event for
	raw json.RawMessage // what is written; nil: what the codec makes of the message
}

// event returns an event of the server's own.
func (s *Server) event(ch bayeux.Channel, data json.RawMessage) outgoing {
	m := outgoing{Message: bayeux.Message{Channel: ch, Data: data}}
	switch {
	case s.faye():
		m.ID = strings.ToLower(rand.Text()[:8]) // its own client's
	case s.d.EventsLikeReplies:
		m.Data = fmt.Appendf(nil, "[%s]", data)
	}
	return m
}

// join puts events and replies into one body.
func (s *Server) join(events []outgoing, replies []bayeux.Message) []outgoing {
	all := make([]outgoing, 0, len(events)+len(replies))
	if !s.d.RepliesFirst {
		all = append(all, events...)
	}
	for _, r := range replies {
		all = append(all, outgoing{Message: r})
	}
	if s.d.RepliesFirst {
		all = append(all, events...)
	}
	return all
}

// messagesOf returns the messages, as the hooks see them.
func messagesOf(all []outgoing) []bayeux.Message {
	ms := make([]bayeux.Message, len(all))
	for i := range all {
		ms[i] = all[i].Message
	}
	return ms
}

// encode returns the frame or body as the server writes it; nil: it writes nothing.
func (s *Server) encode(all []outgoing) []byte {
	ms := messagesOf(all)
	var body []byte
	if s.d.needsOwnEncoding() || hasRaw(all) {
		body = s.encodeEach(all)
	} else {
		body = bayeux.Append(nil, ms)
	}
	if s.o.Rewrite != nil {
		body = s.o.Rewrite(ms, body)
	}
	return body
}

func hasRaw(all []outgoing) bool {
	for i := range all {
		if all[i].raw != nil {
			return true
		}
	}
	return false
}

func (s *Server) encodeEach(all []outgoing) []byte {
	each := make([][]byte, len(all))
	for i := range all {
		each[i] = s.encodeOne(&all[i])
	}
	return append(append([]byte{'['}, bytes.Join(each, []byte{','})...), ']')
}

func (s *Server) encodeOne(o *outgoing) []byte {
	if o.raw != nil {
		return o.raw
	}
	m := o.Message
	if !m.IsEvent() && s.d.IDs.lacks(m.Channel) {
		m.ID = ""
	}
	b := bayeux.Append(nil, []bayeux.Message{m})
	b = b[1 : len(b)-1]
	switch {
	case !s.d.EventsLikeReplies:
	case m.IsEvent() && o.to != "":
		b = append(b[:len(b)-1], fmt.Sprintf(`,"successful":true,"error":"","clientId":%q}`, o.to)...)
	case m.Granted() && (m.Channel == bayeux.MetaSubscribe || m.Channel == bayeux.MetaUnsubscribe):
		b = append(b[:len(b)-1], `,"error":""}`...)
	}
	return b
}

// newID makes a clientId.
func (s *Server) newID() string {
	if s.d.ShortIDs {
		var b [4]byte
		_, _ = rand.Read(b[:])
		return fmt.Sprintf("%x", b)
	}
	return strings.ToLower(rand.Text())
}
