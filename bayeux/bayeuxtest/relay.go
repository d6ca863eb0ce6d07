package bayeuxtest

import (
	"bytes"
	"encoding/json"
	"errors"
	"strconv"

	"github.com/turold/turold/bayeux"
)

// PublishRaw publishes one message as another client of the server would: a
// JSON object with a channel and whatever members its author thought of. It goes
// to every session that subscribed to the channel as the imitated server relays
// it, which is with every member that is not known to be taken off:
//
//   - a CometD takes off id and clientId, and relays a message without data; a
//     number too large for a float64 becomes Infinity, which is no JSON
//   - Faye takes off clientId and __proto__, and refuses what has no data or an
//     error; a number too large for a float64 becomes null
//   - [Lyrion] takes off nothing
//
// What a client publishes itself is relayed in the same way. The error is the
// server's refusal, a [*bayeux.Error], or says that this is no such object.
// Options.Authorize is not asked.
func (s *Server) PublishRaw(message string) error {
	in, err := s.parse([]byte(message), false)
	if err != nil || len(in.ms) != 1 {
		return errors.New("bayeuxtest: not a message that the server would take")
	}
	m := &in.ms[0]
	if m.Meta == nil {
		m.Meta = new(bayeux.Meta)
	}
	if m.Channel.Meta() {
		return bayeux.ParseError(m.Channel, "403::only its own client says that")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.faye() {
		r := s.publishFaye(m, success(*m), in.written(0), "")
		return r.Err()
	}
	s.stats.Publishes++
	if refusal := malformed(m); refusal != "" {
		return bayeux.ParseError(m.Channel, refusal)
	}
	if !m.Channel.Service() {
		s.broadcast(s.relayed(m, in.written(0)))
	}
	return nil
}

// relayed is the event that a publish becomes. written is the message as its
// publisher wrote it; nil: it has nothing but what m tells.
func (s *Server) relayed(m *bayeux.Message, written json.RawMessage) outgoing {
	o := outgoing{Message: bayeux.Message{Channel: m.Channel, Data: m.Data, Ext: m.Ext}}
	dropped := []string{"id", "clientId"}
	switch {
	case s.faye():
		o.ID = m.ID
		dropped = []string{"clientId", "__proto__"}
	case s.d.RelayAll:
		o.ID = m.ID
		o.Meta = &bayeux.Meta{ClientID: m.Meta.ClientID}
		dropped = nil
	}
	if written == nil {
		o.Data, o.Ext = s.numbers(m.Data), s.numbers(m.Ext)
		return o
	}
	names, values := members(written)
	b := []byte{'{'}
	for _, name := range names {
		if !contains(dropped, name) {
			key, _ := json.Marshal(name)
			b = append(append(append(append(b, key...), ':'), s.numbers(values[name])...), ',')
		}
	}
	o.raw = append(bytes.TrimSuffix(b, []byte{','}), '}')
	return o
}

func contains(all []string, one string) bool {
	for _, s := range all {
		if s == one {
			return true
		}
	}
	return false
}

// numbers puts what the server makes of them in the place of those that a
// float64 cannot hold.
func (s *Server) numbers(v json.RawMessage) []byte {
	var out []byte
	kept := 0 // so much of v is in out
	for i := 0; i < len(v); {
		switch c := v[i]; {
		case c == '"':
			i += stringLen(v[i:])
		case c == '-' || '0' <= c && c <= '9':
			n := numberLen(v[i:])
			if f, err := strconv.ParseFloat(string(v[i:i+n]), 64); errors.Is(err, strconv.ErrRange) && bytes.ContainsAny(v[i:i+n], ".eE") {
				out = append(append(out, v[kept:i]...), s.infinity(f)...)
				kept = i + n
			}
			i += n
		default:
			i++
		}
	}
	if out == nil {
		return v
	}
	return append(out, v[kept:]...)
}

func (s *Server) infinity(f float64) []byte {
	switch {
	case s.faye():
		return []byte("null")
	case f < 0:
		return []byte("-Infinity")
	}
	return []byte("Infinity")
}

// stringLen is the length of the string that valid JSON begins with.
func stringLen(v []byte) int {
	for i := 1; i < len(v); i++ {
		switch v[i] {
		case '\\':
			i++
		case '"':
			return i + 1
		}
	}
	return len(v)
}

func numberLen(v []byte) int {
	n := bytes.IndexFunc(v, func(r rune) bool {
		return !('0' <= r && r <= '9') && r != '-' && r != '+' && r != '.' && r != 'e' && r != 'E'
	})
	if n < 0 {
		return len(v)
	}
	return n
}

// members are those of a JSON object, by their names in the order in which they
// come first; of two with one name the second counts. No names: it is no object.
func members(object json.RawMessage) (names []string, values map[string]json.RawMessage) {
	d := json.NewDecoder(bytes.NewReader(object))
	if t, err := d.Token(); err != nil || t != json.Delim('{') {
		return nil, nil
	}
	values = map[string]json.RawMessage{}
	for d.More() {
		key, err := d.Token()
		if err != nil {
			return nil, nil
		}
		name := key.(string)
		var v json.RawMessage
		if d.Decode(&v) != nil {
			return nil, nil
		}
		if _, twice := values[name]; !twice {
			names = append(names, name)
		}
		values[name] = v
	}
	return names, values
}

// errorIn is what Faye takes for a refusal in what a client publishes: an error
// that JavaScript takes for true.
func errorIn(written json.RawMessage) string {
	_, values := members(written)
	v := string(values["error"])
	switch v {
	case "", "null", "false", "0", `""`:
		return ""
	}
	var text string
	if json.Unmarshal([]byte(v), &text) == nil {
		return text
	}
	return v
}
