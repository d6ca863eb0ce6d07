package bayeux

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func ptr[T any](v T) *T { return &v }

// adviceIn decodes an advice as a server sends it, beside a reply.
func adviceIn(t require.TestingT, advice string) *Advice {
	ms, err := Decode([]byte(`[{"channel":"/meta/connect","successful":true,"advice":`+advice+`}]`), Limits{})
	require.NoError(t, err, advice)
	return ms[0].Advice()
}

func TestAdviceDecode(t *testing.T) {
	for _, c := range []struct {
		in   string
		want *Advice
	}{
		{`{}`, &Advice{}},
		{`{"reconnect":"retry","interval":0,"timeout":30000}`, &Advice{Reconnect: ReconnectRetry, Interval: Millis(0), Timeout: Millis(30 * time.Second)}},
		{`{"reconnect":"handshake"}`, &Advice{Reconnect: ReconnectHandshake}},
		{`{"reconnect":"none"}`, &Advice{Reconnect: ReconnectNone}},
		{`{"interval":2000,"multiple-clients":true}`, &Advice{Interval: Millis(2 * time.Second), MultipleClients: ptr(true)}},
		{`{"multiple-clients":false}`, &Advice{MultipleClients: ptr(false)}},
		{`{"hosts":["a","b"]}`, &Advice{Hosts: []string{"a", "b"}}},
		{`{"hosts":["a",1,null,{"x":1,"x":2},["y"],"b"]}`, &Advice{Hosts: []string{"a", "b"}}},
		{`{"long-polling":{"interval":5},"websocket":{"reconnect":"none"}}`, &Advice{Sections: map[string]Advice{
			"long-polling": {Interval: Millis(5 * time.Millisecond)}, "websocket": {Reconnect: ReconnectNone}}}},
		{`{"int\u0065rval":7}`, &Advice{Interval: Millis(7 * time.Millisecond)}},
		{`{"interval":1,"interval":2}`, &Advice{Interval: Millis(2 * time.Millisecond)}},

		// Wrong types count as not sent, and do not undo what was.
		{`{"reconnect":1,"interval":{},"timeout":[],"maxInterval":true,"multiple-clients":"yes","hosts":"a"}`, &Advice{}},
		{`{"reconnect":{"interval":1},"hosts":{"interval":1},"multiple-clients":{"interval":1}}`, &Advice{}},
		{`{"reconnect":"RETRY"}`, &Advice{}},
		{`{"Interval":5,"retry":true,"unknown":[{"interval":5}]}`, &Advice{}},
		{`{"interval":1,"interval":"x","reconnect":"retry","reconnect":"never","hosts":["a"],"hosts":[]}`,
			&Advice{Interval: Millis(time.Millisecond), Reconnect: ReconnectRetry, Hosts: []string{"a"}}},
		{`{"reconnect":null,"interval":null,"multiple-clients":null,"hosts":null,"websocket":null}`, &Advice{}},
		{`{"websocket":{},"callback":{"websocket":{"interval":1}}}`, &Advice{}},
		{`null`, nil},
		{`"retry"`, nil},
		{`[{"reconnect":"none"}]`, nil},
		{`5`, nil},
	} {
		require.Equal(t, c.want, adviceIn(t, c.in), c.in)
	}
}

func TestAdviceMillis(t *testing.T) {
	for in, want := range map[string]time.Duration{
		`0`: 0, `-0`: 0, `1`: time.Millisecond, `30000`: 30 * time.Second, `86400000`: MaxAdvised,
		`1.0`: time.Millisecond, `2.5`: 2 * time.Millisecond, `0.999`: 0, `1e3`: time.Second, `1E+3`: time.Second, `1e-3`: 0,
		`-1`: 0, `-1e308`: 0, `-1e400`: 0,
		`86400001`: MaxAdvised, `9223372036854775808`: MaxAdvised, `1e308`: MaxAdvised, `1e400`: MaxAdvised, `1e-400`: 0,
		`"30000"`: 30 * time.Second, `"2.5"`: 2 * time.Millisecond, `"-5"`: 0, `"1e400"`: MaxAdvised,
	} {
		got := adviceIn(t, `{"timeout":`+in+`}`).Timeout
		require.NotNil(t, got, in)
		require.Equal(t, want, *got, in)
	}
	for _, in := range []string{
		`""`, `" "`, `"x"`, `"NaN"`, `"Inf"`, `"-Inf"`, `"infinity"`, `"0x10"`, `"-0x1p4"`, `"1_000"`, `"01"`, `"1."`, `"+1"`, `"5s"`, `" 5"`, `"5 "`,
		`"\u0035"`, `"true"`, `"null"`, `"-"`, `"{}"`, `true`, `{}`, `[5]`,
	} {
		require.Nil(t, adviceIn(t, `{"timeout":`+in+`}`).Timeout, in)
	}
}

func TestMillis(t *testing.T) {
	for in, want := range map[time.Duration]time.Duration{
		0: 0, -1: 0, -time.Hour: 0, time.Second: time.Second, 1500 * time.Microsecond: time.Millisecond,
		MaxAdvised: MaxAdvised, MaxAdvised + 1: MaxAdvised, 1<<63 - 1: MaxAdvised, -1 << 63: 0,
	} {
		require.Equal(t, want, *Millis(in), in)
	}
}

func TestAdviceMerge(t *testing.T) {
	old := Advice{
		Reconnect: ReconnectRetry, Interval: Millis(time.Second), Timeout: Millis(time.Minute), Hosts: []string{"a"},
		Sections: map[string]Advice{"websocket": {Interval: Millis(1), Timeout: Millis(5 * time.Second)}},
	}
	later := Advice{
		Interval: Millis(0), MaxInterval: Millis(10 * time.Second), MultipleClients: ptr(true),
		Sections: map[string]Advice{"websocket": {Timeout: Millis(0)}, "long-polling": {Reconnect: ReconnectNone}},
	}
	before := fmt.Sprint(old.Sections["websocket"].Timeout, len(old.Sections), len(later.Sections), *old.Interval)
	got := old.Merge(later)
	require.Equal(t, Advice{
		Reconnect: ReconnectRetry, Interval: Millis(0), Timeout: Millis(time.Minute), MaxInterval: Millis(10 * time.Second),
		MultipleClients: ptr(true), Hosts: []string{"a"},
		Sections: map[string]Advice{"websocket": {Interval: Millis(1), Timeout: Millis(0)}, "long-polling": {Reconnect: ReconnectNone}},
	}, got)
	require.Equal(t, before, fmt.Sprint(old.Sections["websocket"].Timeout, len(old.Sections), len(later.Sections), *old.Interval), "neither is changed")

	require.Equal(t, later, Advice{}.Merge(later))
	require.Equal(t, later, later.Merge(Advice{}))
	require.Equal(t, []string{"b"}, old.Merge(Advice{Hosts: []string{"b"}}).Hosts)
	require.Equal(t, ReconnectNone, old.Merge(Advice{Reconnect: ReconnectNone}).Reconnect)
}

// A server that names other sections in every reply does not make what a
// session remembers grow.
func TestAdviceSectionsAreBounded(t *testing.T) {
	one := func(i int) Advice {
		return Advice{Sections: map[string]Advice{fmt.Sprint("type-", i): {Interval: Millis(0)}}}
	}
	var all Advice
	for i := range 100 {
		all = all.Merge(one(i))
	}
	require.Len(t, all.Sections, maxSections)
	changed := all.Merge(Advice{Sections: map[string]Advice{"type-3": {Interval: Millis(time.Second)}}})
	require.Equal(t, time.Second, *changed.For("type-3").Interval, "what is known is still updated")
	require.Zero(t, *all.For("type-3").Interval)

	var in strings.Builder
	for i := range 100 {
		fmt.Fprintf(&in, `,"type-%d":{"interval":1}`, i)
	}
	require.Len(t, adviceIn(t, "{"+in.String()[1:]+"}").Sections, maxSections)
}

func TestAdviceFor(t *testing.T) {
	a := Advice{Reconnect: ReconnectRetry, Interval: Millis(time.Second), Sections: map[string]Advice{"websocket": {Interval: Millis(0), Reconnect: ReconnectNone}}}
	require.Equal(t, Advice{Reconnect: ReconnectNone, Interval: Millis(0)}, a.For("websocket"))
	require.Equal(t, Advice{Reconnect: ReconnectRetry, Interval: Millis(time.Second)}, a.For("long-polling"))
	require.Len(t, a.Sections, 1, "a is not changed")
}
