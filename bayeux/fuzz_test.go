package bayeux

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
	"unsafe"

	"github.com/stretchr/testify/require"

	"github.com/turold/turold/internal/suite/attacks"
)

// FuzzDecode: no panic; data lies within the input; encoding and decoding
// again gives the same messages; encoding/json reads the same, of each message by itself.
func FuzzDecode(f *testing.F) {
	for _, in := range batches(f) {
		f.Add([]byte(in))
	}
	for _, in := range attacks.Bodies() {
		f.Add(in)
	}
	for _, in := range []string{
		``, `[]`, `{}`, `[{}]`, `[{"data":{"n":1,"n":2},"ext":[1e400]}]`, `[{"id":-0,"\u0069d":1}]`, `[{"channel":"/\ud800"}]`,
		`[{"advice":{"interval":"1e3","websocket":{"timeout":-1,"hosts":["a",5]},"hosts":{}}}]`, `[{"subscription":["/a",null,["x"]]}]`,
		`[{"data":"\u2028 \/"}] `, "[{\"data\":\"\xff\"}]", `{"data":[[[[[[[[]]]]]]]]}`, `[{"error":{"a":1}},{"successful":false}]`,
		`[{"channel":"/a","data":1,"subscription":5},{"channel":"/a","data":NaN},{"id":"1","ext":{"ack":1},"x":"\x"},{"id":1,"id":1}]`, "\ufeff[{}]",
	} {
		f.Add([]byte(in))
	}
	f.Fuzz(decodes)
}

var tiny = Limits{Depth: 16, Messages: 50}

// decodes holds what Decode makes of in to what is promised of it.
func decodes(t *testing.T, in []byte) {
	before := slices.Clone(in)
	ms, err := Decode(in, tiny)
	require.Equal(t, before, in, "the input is not written to")
	if err != nil {
		require.Nil(t, ms)
		if !strings.HasPrefix(err.Error(), ErrTooLarge.Error()) {
			require.False(t, isBatch(in), "%q: %v", in, err)
		}
		return
	}
	agree(t, in, ms)
	for i := range ms {
		require.True(t, within(in, ms[i].Data))
		require.True(t, within(in, ms[i].Ext))
		_ = ms[i].Err()
	}
	ms = slices.DeleteFunc(ms, func(m Message) bool { return m.Unreadable() != nil })
	out := Append(nil, ms)
	again, err := Decode(out, Limits{Depth: 17, Bytes: 8 << 20}) // one deeper: an array around a single object
	require.NoError(t, err, string(out))
	require.Equal(t, ms, again)
}

// isBatch reports whether encoding/json finds a batch in it.
func isBatch(in []byte) bool {
	in = bytes.TrimPrefix(in, byteOrderMark)
	var many []map[string]json.RawMessage
	var one map[string]json.RawMessage
	return json.Unmarshal(in, &one) == nil && one != nil || json.Unmarshal(in, &many) == nil && many != nil && !slices.ContainsFunc(many, func(m map[string]json.RawMessage) bool { return m == nil })
}

// within reports whether part is nil or shares its bytes with whole.
func within(whole, part []byte) bool {
	if part == nil {
		return true
	}
	start := uintptr(unsafe.Pointer(unsafe.SliceData(whole)))
	at := uintptr(unsafe.Pointer(unsafe.SliceData(part)))
	return at >= start && at+uintptr(len(part)) <= start+uintptr(len(whole)) && cap(part) == len(part)
}

// FuzzChannel: what Patterns yields is what Matches says, and a valid name is
// reached by all its patterns, which are valid.
func FuzzChannel(f *testing.F) {
	for _, s := range [][2]string{{"/a/b", "/a/*"}, {"/a", "/**"}, {"/a/", "/a/**"}, {"", "*"}, {"//", "/*"}, {"/a/*", "/a/**"}, {"/\xff", "/é"}, {"/meta/connect", "/meta/*"}} {
		f.Add(s[0], s[1])
	}
	f.Fuzz(func(t *testing.T, name, other string) {
		c, o := Channel(name), Channel(other)
		require.Equal(t, covers(other, name), o.Matches(c))
		all := slices.Collect(c.Patterns)
		require.Equal(t, o.Matches(c), slices.Contains(all, o))
		if err := c.Validate(""); err != nil {
			return
		}
		require.True(t, utf8.ValidString(name))
		for _, p := range all {
			require.True(t, p.Matches(c))
			require.NoError(t, p.Validate(""))
			require.Equal(t, p != c || c.Wild(), p.Wild())
		}
	})
}

// FuzzAdvice: whatever an advice says, its durations are in range, merging it
// over itself or over nothing changes nothing, and it survives the codec.
func FuzzAdvice(f *testing.F) {
	for _, s := range []string{
		`{}`, `null`, `[]`, `{"reconnect":"retry","interval":0,"timeout":20000}`, `{"interval":-1e308,"timeout":1e308,"maxInterval":"1e400"}`,
		`{"interval":"NaN","timeout":"0x1p10","maxInterval":2.5}`, `{"hosts":["a"],"multiple-clients":true,"websocket":{"interval":5}}`,
		`{"a":{"timeout":1},"b":{"hosts":["x"]},"c":{}}`,
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		in := []byte(`[{"advice":` + s + `}]`)
		ms, err := Decode(in, Limits{})
		if err != nil || len(ms) != 1 || ms[0].Advice() == nil {
			return
		}
		a := *ms[0].Advice()
		require.LessOrEqual(t, len(a.Sections), maxSections)
		for name := range a.Sections {
			inRange(t, a.For(name))
		}
		inRange(t, a)
		require.Equal(t, a, Advice{}.Merge(a))
		require.Equal(t, a, a.Merge(a))
		again, err := Decode(Append(nil, ms), Limits{Bytes: 8 << 20})
		require.NoError(t, err)
		require.Equal(t, a, *again[0].Advice())
	})
}

func inRange(t *testing.T, a Advice) {
	for _, d := range []*time.Duration{a.Interval, a.Timeout, a.MaxInterval} {
		if d != nil {
			require.True(t, *d >= 0 && *d <= MaxAdvised && *d%time.Millisecond == 0, *d)
		}
	}
	require.Contains(t, []Reconnect{"", ReconnectRetry, ReconnectHandshake, ReconnectNone}, a.Reconnect)
}

// FuzzError: any text is an error, kept whole; what is told of it is short,
// printable and the same for the same text.
func FuzzError(f *testing.F) {
	for _, s := range []string{"", "402::session_unknown", "401:nope:Unknown client", "403:a,b:subscribe_denied", "::", ":", "403", "-1::x", "no grammar", "400::\n\xff", `{"a":1}`} {
		f.Add("/meta/connect", s)
		f.Add("/meta/handshake", s)
	}
	f.Fuzz(func(t *testing.T, ch, raw string) {
		e := ParseError(Channel(ch), raw)
		require.Equal(t, raw, e.Raw)
		require.True(t, strings.HasSuffix(raw, e.Text))
		require.LessOrEqual(t, len(e.Args), maxArgs)
		require.GreaterOrEqual(t, e.Code, 0)
		require.Less(t, len(e.Error()), 1000)
		require.Equal(t, e, ParseError(Channel(ch), raw))
		require.ErrorIs(t, e, &Error{Kind: e.Kind})
		require.NotEqual(t, KindUnknownSession, ParseError(MetaHandshake, raw).Kind, "a handshake is not answered by a handshake")
		for _, r := range e.Error() {
			require.True(t, r >= ' ' && r != 0x7f && r != utf8.RuneError || strings.ContainsRune(raw, r), "%q", e.Error())
		}
	})
}
