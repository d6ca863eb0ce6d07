package fidelity

import (
	"bytes"
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"time"
)

// normal is a text in which each clientId has its name, and the members of
// objects are sorted.
func (s *stage) normal(text string) string {
	if ms, ok := decode(text); ok {
		for _, m := range ms {
			if id, ok := m["clientId"].(string); ok && m["channel"] == "/meta/handshake" && m["successful"] == true {
				s.id = id
				if s.names[id] == "" {
					s.names[id] = fmt.Sprintf("C%d", len(s.names)+1)
				}
			}
			if list, ok := m["subscription"].([]any); ok && len(list) == 0 {
				delete(m, "subscription")
			}
			if id, ok := m["id"].(string); ok && m["successful"] == nil && m["clientId"] == nil && m["data"] != nil && !ours.MatchString(id) {
				m["id"] = "other" // Faye's events have the publisher's
			}
		}
		text = encode(ms)
	}
	for id, name := range s.names {
		text = strings.ReplaceAll(text, id, name)
	}
	return text
}

// ours is an id of the script's messages.
var ours = regexp.MustCompile(`^m\d+$`)

func decode(text string) (ms []word, ok bool) {
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	return ms, strings.HasPrefix(text, "[{") && d.Decode(&ms) == nil
}

func encode(ms []word) string {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	_ = e.Encode(ms) // of what was decoded: it does not fail
	return strings.TrimSpace(b.String())
}

// took is how long something was held, if it was: the hold it amounts to.
func took(d time.Duration) string {
	held := ""
	for _, hold := range []time.Duration{Timeout / 2, Timeout, Timeout * 3 / 2} {
		if d > hold-100*time.Millisecond {
			held = " after " + hold.String()
		}
	}
	return held
}
