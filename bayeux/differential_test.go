package bayeux

import (
	"bytes"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// agree holds what Decode made of in against encoding/json, which shares no
// code with it. Maps are used there, for structs match keys in any case.
func agree(t require.TestingT, in []byte, ms []Message) {
	in = bytes.TrimPrefix(in, byteOrderMark)
	var want []map[string]json.RawMessage
	if bytes.HasPrefix(bytes.TrimLeft(in, " \t\r\n"), []byte("{")) {
		in = append(append([]byte("["), in...), ']')
	}
	faulty := slices.ContainsFunc(ms, func(m Message) bool { return m.Unreadable() != nil })
	err := json.Unmarshal(in, &want)
	if faulty && err != nil {
		return // encoding/json takes all or nothing
	}
	require.NoError(t, err)
	require.Len(t, ms, len(want))
	for i := range ms {
		if err := ms[i].Unreadable(); err != nil {
			disagree(t, in, err)
			continue
		}
		m, keys := &ms[i], want[i]
		require.Equal(t, string(keys["data"]), string(m.Data))
		require.Equal(t, nonNull(keys["ext"]), string(m.Ext))
		require.Equal(t, textIn(t, keys["channel"], false), string(m.Channel))
		require.Equal(t, textIn(t, keys["id"], true), m.ID)
		meta := m.Meta
		if meta == nil {
			meta = &Meta{}
		}
		require.Equal(t, textIn(t, keys["clientId"], true), meta.ClientID)
		require.Equal(t, textIn(t, keys["version"], true), meta.Version)
		require.Equal(t, textIn(t, keys["minimumVersion"], true), meta.MinimumVersion)
		require.Equal(t, textIn(t, keys["connectionType"], false), meta.ConnectionType)
		require.Equal(t, stringIn(t, keys["error"]), meta.Error)
		require.Equal(t, string(keys["successful"]) == "true" || string(keys["successful"]) == "false", meta.Verdict)
		require.Equal(t, string(keys["successful"]) == "true", meta.Successful)
		require.Equal(t, stringsIn(t, keys["subscription"]), stringsOf(meta.Subscription))
	}
}

func nonNull(v json.RawMessage) string {
	if string(v) == "null" {
		return ""
	}
	return string(v)
}

// textIn returns what a string says, or a number's text; what is anything else
// was passed over.
func textIn(t require.TestingT, v json.RawMessage, number bool) string {
	if len(v) > 0 && (v[0] == '"' || number && (v[0] == '-' || v[0] >= '0' && v[0] <= '9')) {
		return stringIn(t, v)
	}
	return ""
}

// stringIn returns what a string says, and of anything else its text.
func stringIn(t require.TestingT, v json.RawMessage) (s string) {
	if len(v) == 0 || v[0] != '"' {
		return nonNull(v)
	}
	require.NoError(t, json.Unmarshal(v, &s))
	return s
}

func stringsIn(t require.TestingT, v json.RawMessage) (all []string) {
	var elements []json.RawMessage
	if len(v) == 0 || v[0] != '[' {
		elements = []json.RawMessage{v}
	} else {
		require.NoError(t, json.Unmarshal(v, &elements))
	}
	for _, e := range elements {
		if len(e) > 0 && e[0] == '"' {
			all = append(all, stringIn(t, e))
		}
	}
	return all
}

func stringsOf(all []Channel) (out []string) {
	for _, c := range all {
		out = append(out, string(c))
	}
	return out
}

// disagree holds the refusal of a message against encoding/json: what the JSON
// parser objected to must be no JSON there either.
func disagree(t require.TestingT, in []byte, err error) {
	var f *FormatError
	if !errors.As(err, &f) {
		require.ErrorIs(t, err, ErrTooLarge)
		return
	}
	if f.Err != nil {
		require.False(t, json.Valid(bytes.TrimPrefix(in, byteOrderMark)), "%q: %v", in, f.Err)
	}
	if f.Reason == "not UTF-8" {
		require.False(t, utf8.Valid(in))
	}
}

// looseBatch draws JSON that resembles a batch: reserved and unknown keys in
// any order, with values of the right type mostly.
var looseBatch = rapid.Custom(func(t *rapid.T) string {
	text := rapid.OneOf(quotedJSON, rapid.Just("null"))
	number := rapid.OneOf(text, rapid.SampledFrom([]string{"7", "-0", "1e400"}))
	value := rapid.Map(rawJSON, func(v json.RawMessage) string { return string(v) })
	texts := rapid.Map(rapid.SliceOfN(value, 0, 3), func(all []string) string { return "[" + strings.Join(all, ",") + "]" })
	member := func(key string, g *rapid.Generator[string]) *rapid.Generator[string] {
		return rapid.Custom(func(t *rapid.T) string {
			if rapid.IntRange(0, 30).Draw(t, "wild") == 0 {
				g = value
			}
			return key + space.Draw(t, "space") + ":" + space.Draw(t, "space") + g.Draw(t, "value")
		})
	}
	object := rapid.Custom(func(t *rapid.T) string {
		members := rapid.SliceOfN(rapid.OneOf(
			member(`"channel"`, text), member(`"id"`, number), member(`"\u0069d"`, number), member(`"clientId"`, number),
			member(`"data"`, value), member(`"ext"`, value), member(`"successful"`, rapid.SampledFrom([]string{"true", "false", "null"})),
			member(`"error"`, value), member(`"advice"`, value), member(`"subscription"`, rapid.OneOf(text, texts)),
			member(`"version"`, number), member(`"connectionType"`, text), member(`"Channel"`, value), member(`"DATA"`, value), member(`"x"`, value),
		), 0, 6).Draw(t, "members")
		return "{" + strings.Join(members, ",") + "}"
	})
	return space.Draw(t, "space") + "[" + strings.Join(rapid.SliceOfN(object, 0, 3).Draw(t, "batch"), ",") + "]" + space.Draw(t, "space")
})

func TestDecodeAgreesWithEncodingJSON(t *testing.T) {
	taken := 0
	rapid.Check(t, func(t *rapid.T) {
		in := []byte(looseBatch.Draw(t, "batch"))
		ms, err := Decode(in, Limits{})
		if err != nil {
			require.False(t, isBatch(in), "%q: %v", in, err)
			return
		}
		taken++
		agree(t, in, ms)
	})
	require.Greater(t, taken, 10, "most of what is drawn should be a batch")
}

func TestDecodeAgreesOnRealBatches(t *testing.T) {
	for name, in := range batches(t) {
		ms, err := Decode([]byte(in), Limits{})
		require.NoError(t, err, name)
		agree(t, []byte(in), ms)
	}
}
