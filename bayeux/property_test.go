package bayeux

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// rawJSON draws a JSON value as text, white space and repeated names included.
var rawJSON = rapid.Custom(func(t *rapid.T) json.RawMessage { return json.RawMessage(drawJSON(t, 3)) })

var space = rapid.SampledFrom([]string{"", "", " ", "\n\t"})

func drawJSON(t *rapid.T, depth int) string {
	kinds := []string{"literal", "number", "string"}
	if depth > 0 {
		kinds = append(kinds, "array", "object")
	}
	value := rapid.Custom(func(t *rapid.T) string { return space.Draw(t, "space") + drawJSON(t, depth-1) + space.Draw(t, "space") })
	switch rapid.SampledFrom(kinds).Draw(t, "kind") {
	case "number":
		return rapid.StringMatching(`-?(0|[1-9][0-9]{0,20})(\.[0-9]{1,5})?([eE][+-]?[0-9]{1,3})?`).Draw(t, "number")
	case "string":
		return quotedJSON.Draw(t, "string")
	case "array":
		return "[" + strings.Join(rapid.SliceOfN(value, 1, 3).Draw(t, "array"), ",") + "]"
	case "object":
		member := rapid.Custom(func(t *rapid.T) string { return quotedJSON.Draw(t, "name") + ":" + value.Draw(t, "value") })
		return "{" + strings.Join(rapid.SliceOfN(member, 0, 3).Draw(t, "object"), ",") + "}"
	}
	return rapid.SampledFrom([]string{"null", "true", "false", "[]", "{}"}).Draw(t, "literal")
}

// quotedJSON draws a string in quotes, with every way of escaping.
var quotedJSON = rapid.Custom(func(t *rapid.T) string {
	part := rapid.SampledFrom([]string{"a", "channel", "id", "é", "\u2028", "😀", `\"`, `\\`, `\/`, `\n`, `\u0061`, `\ud83d\ude00`, `\ud83d`, `\uDC00`, "[", "{", "}"})
	return `"` + strings.Join(rapid.SliceOfN(part, 0, 4).Draw(t, "parts"), "") + `"`
})

var advised = rapid.Custom(func(t *rapid.T) *time.Duration {
	return Millis(time.Duration(rapid.Int64Range(0, int64(MaxAdvised)).Draw(t, "duration")))
})

func drawAdvice(t *rapid.T) Advice {
	return Advice{
		Reconnect:       rapid.SampledFrom([]Reconnect{"", ReconnectRetry, ReconnectHandshake, ReconnectNone}).Draw(t, "reconnect"),
		Interval:        maybe(t, advised),
		Timeout:         maybe(t, advised),
		MaxInterval:     maybe(t, advised),
		MultipleClients: maybe(t, rapid.Ptr(rapid.Bool(), false)),
		Hosts:           none(rapid.SliceOfN(rapid.String(), 0, 2).Draw(t, "hosts")),
	}
}

// maybe draws nil half of the time.
func maybe[T any](t *rapid.T, g *rapid.Generator[*T]) *T {
	if rapid.Bool().Draw(t, "absent") {
		return nil
	}
	return g.Draw(t, "present")
}

// none is nil for an empty slice: the two are one thing to the codec.
func none[S ~[]E, E any](s S) S {
	if len(s) == 0 {
		return nil
	}
	return s
}

var anyMeta = rapid.Custom(func(t *rapid.T) *Meta {
	m := &Meta{
		ClientID:                 rapid.String().Draw(t, "clientId"),
		Version:                  rapid.SampledFrom([]string{"", "1.0"}).Draw(t, "version"),
		MinimumVersion:           rapid.SampledFrom([]string{"", "0.9"}).Draw(t, "minimumVersion"),
		SupportedConnectionTypes: none(rapid.SliceOfN(rapid.String(), 0, 3).Draw(t, "types")),
		ConnectionType:           rapid.String().Draw(t, "type"),
		Subscription:             none(rapid.SliceOfN(anyChannel, 0, 3).Draw(t, "subscription")),
		Verdict:                  rapid.Bool().Draw(t, "verdict"),
		Error:                    rapid.String().Draw(t, "error"),
	}
	m.Successful = m.Verdict && rapid.Bool().Draw(t, "successful")
	if rapid.Bool().Draw(t, "advice") {
		a := drawAdvice(t)
		for _, name := range rapid.SliceOfN(rapid.StringMatching(`x-[a-z"é]*`), 0, 3).Draw(t, "sections") {
			if section := drawAdvice(t); !section.empty() {
				a.setSection(name, section)
			}
		}
		m.Advice = &a
	}
	if m.empty() {
		return nil
	}
	return m
})

var anyMessage = rapid.Custom(func(t *rapid.T) Message {
	m := Message{
		Channel: anyChannel.Draw(t, "channel"),
		ID:      rapid.String().Draw(t, "id"),
		Meta:    anyMeta.Draw(t, "meta"),
	}
	if m.Meta != nil && m.Channel != "" && !m.Channel.Meta() { // where an advice is nobody's
		if m.Meta.Advice = nil; m.Meta.empty() {
			m.Meta = nil
		}
	}
	if rapid.Bool().Draw(t, "has data") {
		m.Data = rawJSON.Draw(t, "data")
	}
	if ext := rawJSON.Draw(t, "ext"); rapid.Bool().Draw(t, "has ext") && string(ext) != "null" { // which is none
		m.Ext = ext
	}
	return m
})

func TestDecodeUndoesAppend(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		ms := rapid.SliceOfN(anyMessage, 0, 4).Draw(t, "messages")
		b := Append(nil, ms)
		require.True(t, json.Valid(b), string(b))
		require.Equal(t, string(b), string(Append(nil, ms)), "the same messages give the same bytes")
		got, err := Decode(b, Limits{})
		require.NoError(t, err, string(b))
		require.Equal(t, ms, got, string(b))
		for i := range ms {
			require.Equal(t, ms[i], ms[i].Clone())
		}
	})
}

// A batch of messages whose names need no escapes is never larger than the
// sum of their sizes and the two brackets.
func TestSizeIsAnUpperEstimate(t *testing.T) {
	plain := func(s string) string {
		return strings.Map(func(r rune) rune {
			if r < ' ' || r == '"' || r == '\\' {
				return 'x'
			}
			return r
		}, s)
	}
	rapid.Check(t, func(t *rapid.T) {
		m := anyMessage.Draw(t, "message")
		m.ID = plain(m.ID)
		if y := m.Meta; y != nil {
			y.ClientID, y.ConnectionType, y.Error = plain(y.ClientID), plain(y.ConnectionType), plain(y.Error)
			for i, s := range y.SupportedConnectionTypes {
				y.SupportedConnectionTypes[i] = plain(s)
			}
			if y.Advice != nil {
				y.Advice.Hosts, y.Advice.Sections = nil, nil
			}
		}
		got := len(Append(nil, []Message{m})) - 1 // with the comma, or the bracket, that follows
		require.LessOrEqual(t, got, m.Size())
		require.Less(t, m.Size(), got+400)
	})
}
