package bayeuxtest

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"time"

	"github.com/turold/turold/bayeux"
)

// What a body or frame may be that is no batch.
var (
	errViolation = errors.New("bayeux protocol violation") // HTTP 500, or close code 1011
	errNotJSON   = errors.New("not JSON")                  // HTTP 400, or close code 1011
	errNothing   = errors.New("nothing")                   // HTTP 200, or no answer
	errMute      = errors.New("never answered")
)

// An incoming is a batch that a client sent.
type incoming struct {
	ms  []bayeux.Message
	raw []json.RawMessage // each as it was written; nil: as our codec writes it
}

// written is a message as it was written, if that is more than it tells.
func (in *incoming) written(i int) json.RawMessage {
	if in.raw == nil {
		return nil
	}
	return in.raw[i]
}

// parse reads what a client sent.
func (s *Server) parse(b []byte, socket bool) (incoming, error) {
	b = bytes.TrimSpace(b)
	if s.faye() {
		return parseFaye(b, socket)
	}
	if s.d.NullIsNothing && (string(b) == "null" || socket && len(b) == 0) {
		return incoming{}, errNothing
	}
	if !json.Valid(b) || b[0] == '"' {
		switch begins := len(b) == 0 || strings.IndexByte(`[{"`, b[0]) >= 0; {
		case s.d.Mute && begins && !socket:
			return incoming{}, errMute
		case s.d.Mute, s.d.Violated:
			return incoming{}, errViolation
		}
		return incoming{}, errNotJSON
	}
	in, err := parseEach(b)
	if err != nil {
		return incoming{}, errViolation
	}
	for i, w := range rawAdvices(b) {
		switch t := w.Advice.Timeout.(type) {
		case string:
			if in.ms[i].Channel.Meta() {
				return incoming{}, errViolation
			}
		case float64:
			if advice := in.ms[i].Advice(); advice != nil && t < 0 {
				advice.Timeout = nil
			}
		}
	}
	return in, nil
}

// parseEach takes valid JSON apart: what our codec wrote at once, and anything
// else message by message.
func parseEach(b []byte) (in incoming, err error) {
	if ms := ownBatch(b); ms != nil {
		return incoming{ms: ms}, nil
	}
	if b[0] == '{' {
		in.raw = []json.RawMessage{b}
	} else if err := json.Unmarshal(b, &in.raw); err != nil {
		return in, err
	}
	in.ms = make([]bayeux.Message, len(in.raw))
	for i, raw := range in.raw {
		if in.ms[i], err = parseOne(raw); err != nil {
			return in, err
		}
	}
	return in, nil
}

// ownBatch is a batch as our codec writes it; nil: b is none.
func ownBatch(b []byte) []bayeux.Message {
	ms, err := bayeux.Decode(b, limits)
	if err != nil || !bytes.Equal(bayeux.Append(nil, ms), b) {
		return nil
	}
	return ms
}

// parseOne reads a message. Of what is published only a few members matter to a
// server, and the others may hold anything.
func parseOne(raw json.RawMessage) (m bayeux.Message, err error) {
	_, values := members(raw)
	if values == nil {
		return m, errViolation
	}
	channel, err := text(values["channel"])
	if err != nil {
		return m, err
	}
	if m.Channel = bayeux.Channel(channel); m.Channel.Meta() {
		ms, err := bayeux.Decode(raw, limits)
		if err != nil || len(ms) != 1 || ms[0].Unreadable() != nil { // real servers take all or nothing
			return m, errViolation
		}
		return ms[0], nil
	}
	m.Meta = new(bayeux.Meta)
	if m.Meta.ClientID, err = text(values["clientId"]); err != nil {
		return m, err
	}
	if m.ID, err = text(values["id"]); err != nil {
		m.ID = string(values["id"]) // as Java and JavaScript print it
	}
	m.Data, m.Ext = values["data"], values["ext"]
	return m, nil
}

// text is what a member says that may be a string, or missing.
func text(v json.RawMessage) (s string, err error) {
	if v != nil {
		err = json.Unmarshal(v, &s)
	}
	return s, err
}

// parseFaye takes whatever is an array or an object; what stands in it that is
// no message counts as one without members.
func parseFaye(b []byte, socket bool) (in incoming, err error) {
	switch {
	case !json.Valid(b):
		return in, errNotJSON
	case string(b) == "null" && socket:
		return in, errNothing
	case string(b) == "null":
		return in, nil
	case b[0] == '{':
		in.raw = []json.RawMessage{b}
	case json.Unmarshal(b, &in.raw) != nil:
		return in, errNotJSON
	}
	if ms := ownBatch(b); len(ms) > 0 {
		return incoming{ms: ms}, nil
	}
	in.ms = make([]bayeux.Message, len(in.raw))
	for i, raw := range in.raw {
		if in.ms[i], err = parseOne(raw); err != nil {
			continue
		}
		w := rawAdvices(raw)[0].Advice.Timeout
		if t, ok := w.(float64); w != nil && in.ms[i].Meta != nil && (!ok || t < 0) {
			in.ms[i].Meta.Advice = &bayeux.Advice{Timeout: new(time.Duration)}
		}
	}
	return in, nil
}

// A rawAdvice is the advice of a message as the client wrote it: the codec accepts forms
// that servers do not.
type rawAdvice struct {
	Advice struct{ Timeout any }
}

func rawAdvices(b []byte) (all []rawAdvice) {
	if b[0] == '{' {
		all = make([]rawAdvice, 1)
		_ = json.Unmarshal(b, &all[0])
		return all
	}
	_ = json.Unmarshal(b, &all)
	return all
}
