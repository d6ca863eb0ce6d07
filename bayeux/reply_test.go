package bayeux

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func decoded(t *testing.T, text string) Message {
	ms, err := Decode([]byte(text), Limits{})
	require.NoError(t, err)
	require.Len(t, ms, 1)
	return ms[0]
}

// TestAnswers is the table of what a reply is.
func TestAnswers(t *testing.T) {
	publish := Request{ID: "p1", Channel: "/a"}
	call := Request{ID: "p1", Channel: "/service/a", Call: true}
	subscribe := Request{ID: "p1", Channel: MetaSubscribe, Subscription: "/a/b"}
	connect := Request{ID: "p1", Channel: MetaConnect}
	unnamed := Request{ID: "p1", Channel: "/a", Unnamed: true}
	unnamedCall := Request{ID: "p1", Channel: "/service/a", Call: true, Unnamed: true}
	for _, c := range []struct {
		m    string
		q    Request
		want bool
	}{
		{`{"channel":"/a","id":"p1","successful":true}`, publish, true},
		{`{"channel":"/a","id":"p1","successful":false,"error":"403::x"}`, publish, true},
		{`{"channel":"/a","id":"p1"}`, publish, true}, // before 1.0
		{`{"channel":"/a","id":"p1","error":"403::x"}`, publish, true},
		{`{"channel":"/a/","id":"p1","successful":true}`, publish, true},
		{`{"channel":"/A","id":"p1","successful":true}`, publish, false},
		{`{"channel":"/b","id":"p1","successful":true}`, publish, false},
		{`{"channel":"/a","id":"p2","successful":true}`, publish, false},
		{`{"channel":"/a","successful":true}`, publish, false},
		{`{"channel":"/a","successful":true}`, unnamed, true},
		{`{"channel":"/a","id":"p2","successful":true}`, unnamed, false},
		{`{"channel":"/a","id":"p1","successful":true,"data":1}`, publish, false},
		{`{"channel":"/a","id":"p1","successful":false,"error":"402::x","data":null}`, publish, false},
		{`{"channel":"/a","successful":true,"data":1}`, unnamed, false},
		{`{"id":"p1","successful":true}`, publish, false},

		{`{"channel":"/service/a","id":"p1","successful":true,"data":1}`, call, true},
		{`{"channel":"/service/a","id":"p1","successful":true}`, call, true},
		{`{"channel":"/service/a","id":"p1","data":1}`, call, false},
		{`{"channel":"/service/a","id":"p2","successful":true,"data":1}`, call, false},
		{`{"channel":"/service/a","successful":true,"data":1}`, call, false},
		{`{"channel":"/service/a","successful":true,"data":1}`, unnamedCall, true},
		{`{"channel":"/service/a","data":1}`, unnamedCall, false},

		{`{"channel":"/meta/subscribe","id":"p1","successful":true}`, subscribe, true},
		{`{"channel":"/meta/subscribe","id":"p1","successful":true,"subscription":"/other"}`, subscribe, true},
		{`{"channel":"/meta/subscribe","successful":true,"subscription":"/a/b"}`, subscribe, true},
		{`{"channel":"/meta/subscribe","successful":true,"subscription":["/a//b/"]}`, subscribe, true},
		{`{"channel":"/meta/subscribe","successful":true,"subscription":"/a/c"}`, subscribe, false},
		{`{"channel":"/meta/subscribe","successful":false,"error":"403::x"}`, subscribe, true},
		{`{"channel":"/meta/unsubscribe","successful":true,"subscription":"/a/b"}`, subscribe, false},

		{`{"channel":"/meta/connect","successful":true}`, connect, true},
		{`{"channel":"/meta/connect","error":"402::x"}`, connect, true},
		{`{"channel":"/meta/connect","successful":true,"data":1}`, connect, true}, // only the server uses it
		{`{"channel":"/meta/connect"}`, connect, false},
		{`{"channel":"/meta/connect","advice":{"reconnect":"none"}}`, connect, false},
		{`{"channel":"/meta/connect","id":"p1"}`, connect, true},
		{`{"channel":"/a"}`, unnamed, false},
		{`{"channel":"/meta/connect","id":"p2","successful":true}`, connect, false},
		{`{"channel":"/meta/handshake","id":"p1","successful":true}`, connect, false},
	} {
		m := decoded(t, c.m)
		require.Equal(t, c.want, m.Answers(&c.q), "%s to %+v", c.m, c.q)
	}
}

func TestIsEvent(t *testing.T) {
	for text, want := range map[string]bool{
		`{"channel":"/a","data":1}`:                                   true,
		`{"channel":"/a","data":null}`:                                true,
		`{"channel":"/a","id":"1","data":1,"successful":true}`:        true,
		`{"channel":"/service/a","data":1,"error":"","clientId":"x"}`: true,
		`{"channel":"/a","successful":true}`:                          false,
		`{"channel":"/a"}`:                                            false,
		`{"channel":"/meta/connect","data":1}`:                        false,
		`{"data":1}`:                                                  false,
	} {
		m := decoded(t, text)
		require.Equal(t, want, m.IsEvent(), text)
	}
}

func TestGranted(t *testing.T) {
	for text, want := range map[string]bool{
		`{"successful":true}`:                   true,
		`{"successful":true,"error":"402::x"}`:  true,
		`{"successful":false}`:                  false,
		`{"successful":false,"error":"402::x"}`: false,
		`{"error":"402::x"}`:                    false,
		`{"error":""}`:                          true,
		`{}`:                                    true,
		`{"clientId":"x"}`:                      true,
	} {
		m := decoded(t, text)
		require.Equal(t, want, m.Granted(), text)
		require.Equal(t, want, m.Err() == nil, text)
	}
}

func TestClean(t *testing.T) {
	for c, want := range map[Channel]Channel{
		"/a": "/a", "/a/": "/a", "/a//b": "/a/b", "//a///b//": "/a/b", "/": "/", "//": "/", "": "", "///": "/", "a/": "a", "/A/": "/A",
	} {
		require.Equal(t, want, c.Clean(), string(c))
		require.Equal(t, want, want.Clean())
	}
	c := Channel("/stock/nasdaq/ACME")
	require.Zero(t, testing.AllocsPerRun(10, func() { _ = c.Clean() }))
}
