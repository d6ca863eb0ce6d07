package bayeux

import (
	"encoding/json"
	"strings"
)

// classify finds the Kind. It reads the text, not the arguments before it:
// those may quote a channel's name, which anybody may have chosen.
func (e *Error) classify(ch Channel) Kind {
	text := strings.ToLower(e.Text[:min(len(e.Text), 200)])
	says := func(phrases ...string) bool {
		for _, p := range phrases {
			if strings.Contains(text, p) {
				return true
			}
		}
		return false
	}
	switch {
	case says("unknown client", "session_unknown", "unknown session", "not completed handshake", "invalid clientid"):
		if ch == MetaHandshake { // which names no session, and another one would not help
			return KindUnauthorized
		}
		return KindUnknownSession
	case says("limit exceeded", "too busy", "too many"), e.Code == 503, e.Code == 429:
		return KindBusy
	case says("_missing", "channel missing", "missing required parameter"):
		return KindMalformed
	case says("authentication invalid", "requires authentication", "handshake_denied", "handshake denied", "handshake_failed"):
		return KindUnauthorized
	case ch == MetaHandshake && (e.Code == 401 || e.Code == 403):
		return KindUnauthorized
	case says("_denied", "denied_by", "forbidden", "not allowed"):
		return KindForbidden
	case says("channel_invalid", "subscription_invalid", "invalid channel", "unknown channel"):
		return KindInvalidChannel
	}
	return kindOfCode(e.Code)
}

// kindOfCode returns the Kind of an error whose text says nothing that is known.
func kindOfCode(code int) Kind {
	switch {
	case code == 401:
		return KindUnauthorized
	case code == 403:
		return KindForbidden
	case code >= 400 && code <= 499:
		return KindMalformed
	case code >= 500 && code <= 599:
		return KindFailed
	}
	return KindRefused
}

// failureReason reads ext.sfdc.failureReason. Maps, for they compare keys
// exactly and structs do not.
func failureReason(ext json.RawMessage) (reason string) {
	var all, sfdc map[string]json.RawMessage
	if json.Unmarshal(ext, &all) != nil || json.Unmarshal(all["sfdc"], &sfdc) != nil {
		return ""
	}
	_ = json.Unmarshal(sfdc["failureReason"], &reason) // what is no string is no reason
	return reason
}
