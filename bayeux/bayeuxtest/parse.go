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

// parse reads what a client sent.
func (s *Server) parse(b []byte, socket bool) ([]bayeux.Message, error) {
	b = bytes.TrimSpace(b)
	if s.faye() {
		return parseFaye(b, socket)
	}
	if s.d.NullIsNothing && (string(b) == "null" || socket && len(b) == 0) {
		return nil, errNothing
	}
	if !json.Valid(b) || b[0] == '"' {
		switch begins := len(b) == 0 || strings.IndexByte(`[{"`, b[0]) >= 0; {
		case s.d.Mute && begins && !socket:
			return nil, errMute
		case s.d.Mute, s.d.Violated:
			return nil, errViolation
		}
		return nil, errNotJSON
	}
	ms, err := bayeux.Decode(b, limits)
	if err != nil {
		return nil, errViolation
	}
	for i, w := range wishes(b) {
		switch t := w.Advice.Timeout.(type) {
		case string:
			return nil, errViolation
		case float64:
			if t < 0 {
				ms[i].Meta.Advice.Timeout = nil
			}
		}
	}
	return ms, nil
}

// parseFaye takes whatever is an array or an object; what stands in it that is
// no message counts as one without members.
func parseFaye(b []byte, socket bool) ([]bayeux.Message, error) {
	var all []json.RawMessage
	switch {
	case !json.Valid(b):
		return nil, errNotJSON
	case string(b) == "null" && socket:
		return nil, errNothing
	case string(b) == "null":
		return nil, nil
	case b[0] == '{':
		all = []json.RawMessage{b}
	case json.Unmarshal(b, &all) != nil:
		return nil, errNotJSON
	}
	ms := make([]bayeux.Message, len(all))
	for i, raw := range all {
		one, err := bayeux.Decode(raw, limits)
		if err != nil || len(one) != 1 {
			continue
		}
		ms[i] = one[0]
		w := wishes(raw)[0].Advice.Timeout
		if t, ok := w.(float64); w != nil && (!ok || t < 0) {
			ms[i].Meta.Advice = &bayeux.Advice{Timeout: new(time.Duration)}
		}
	}
	return ms, nil
}

// A wish is what a message asks for as it was written, which the codec makes
// sense of and servers do not.
type wish struct {
	Advice struct{ Timeout any }
}

func wishes(b []byte) (all []wish) {
	if b[0] == '{' {
		all = make([]wish, 1)
		_ = json.Unmarshal(b, &all[0])
		return all
	}
	_ = json.Unmarshal(b, &all)
	return all
}
