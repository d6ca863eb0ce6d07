package attacks

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"
)

// clientID is what the server calls every client.
const clientID = "c1"

// longestHold is how long a connect is held, whatever the client wants.
const longestHold = 300 * time.Millisecond

// A message of a client, as far as it is answered.
type message struct {
	Channel, ID, ClientID string
	Subscription          any
	Data                  json.RawMessage
	Advice                struct{ Timeout *float64 }
}

// messages reads a batch; what it cannot read is none.
func messages(b []byte) (ms []message) {
	_ = json.Unmarshal(b, &ms)
	return ms
}

// reply is the honest answer to a message, and the event that a publish is.
func (s *Server) reply(m message) []string {
	switch m.Channel {
	case Handshake:
		ext := ""
		if s.attack.Ack {
			ext = `"ext":{"ack":true},`
		}
		return []string{fmt.Sprintf(`{%s"channel":%q,"id":%q,"clientId":%q,"version":"1.0","successful":true,`+
			`"supportedConnectionTypes":["websocket","long-polling"],"advice":{"reconnect":"retry","interval":0,"timeout":%d}}`,
			ext, Handshake, m.ID, clientID, longestHold.Milliseconds())}
	case Connect:
		return []string{fmt.Sprintf(`{"channel":%q,"id":%q,"successful":true}`, Connect, m.ID)}
	case Subscribe:
		name, _ := json.Marshal(m.Subscription)
		return []string{fmt.Sprintf(`{"channel":%q,"id":%q,"successful":true,"subscription":%s}`, Subscribe, m.ID, name)}
	}
	all := []string{fmt.Sprintf(`{"channel":%q,"id":%q,"successful":true}`, m.Channel, m.ID)}
	if m.Channel == Event && m.Data != nil {
		all = append(all, fmt.Sprintf(`{"channel":%q,"data":%s}`, m.Channel, m.Data))
	}
	return all
}

// honest is the answer to a batch, and how long it is held.
func (s *Server) honest(ms []message) (replies []string, hold time.Duration) {
	for _, m := range ms {
		s.note(m)
		replies = append(replies, s.reply(m)...)
		if m.Channel == Connect && len(ms) == 1 {
			hold = longestHold
			if t := m.Advice.Timeout; t != nil {
				hold = min(hold, time.Duration(max(*t, 0))*time.Millisecond)
			}
		}
	}
	return replies, hold
}

// note counts a message, and looks whether it names its session rightly.
func (s *Server) note(m message) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.seen.Messages++
	if m.Channel == Handshake {
		s.seen.Handshakes++
	} else if m.ClientID != clientID {
		s.seen.Misnamed++
	}
}

func batch(replies []string) string { return "[" + strings.Join(replies, ",") + "]" }
