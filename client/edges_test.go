package client_test

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"reflect"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/turold/turold/bayeux/bayeuxtest/memnet"
	"github.com/turold/turold/client"
	"github.com/turold/turold/fallback"
)

// These hold every option to its comment at its edges: it is refused, by an error
// that names it, or a session with it works.

// given is what an application may set.
type given struct {
	Dialer           *client.Dialer
	Options          *client.Options
	SubscribeOptions *client.SubscribeOptions
}

// An edge is what is known of one option.
type edge struct {
	refused func(int64) bool // of a number; nil: none is
	others  []other          // of what is no number
}

// An other is a value that is no number.
type other struct {
	name  string
	value any // nil: the zero value
	fails bool
}

func below(least int64) func(int64) bool {
	return func(n int64) bool { return n != 0 && n < least }
}

func beyond(last int64) func(int64) bool {
	return func(n int64) bool { return n > last }
}

// options has a row for each option there is, and nothing else.
var options = map[string]edge{
	"Dialer.Policy.Mode":     {refused: beyond(int64(fallback.LongPollingOnly))},
	"Dialer.Policy.Patience": {},
	"Dialer.Policy.Memory":   {others: []other{{"none", nil, false}, {"one", new(fallback.Memory), false}}},
	"Dialer.TLS":             {others: []other{{"none", nil, false}, {"an empty one", new(tls.Config), false}}},
	"Dialer.Proxy": {others: []other{
		{"none", http.ProxyURL(nil), false},
		{"one that fails", func(*http.Request) (*url.URL, error) { return nil, errors.New("no") }, true},
		{"one with an empty address", http.ProxyURL(new(url.URL)), true},
	}},
	"Dialer.DialContext": {others: []other{
		{"one that returns nothing", func(context.Context, string, string) (net.Conn, error) { return nil, nil }, true},
		{"one that fails", func(context.Context, string, string) (net.Conn, error) { return nil, errors.New("no") }, true},
	}},
	"Dialer.Silence":               {},
	"Dialer.Limits.Bytes":          {refused: below(1 << 10)},
	"Dialer.Limits.Messages":       {refused: below(2)},
	"Dialer.Limits.Depth":          {refused: below(4)},
	"Dialer.Limits.Header":         {refused: below(1 << 10)},
	"Dialer.Limits.Unacknowledged": {refused: below(240)},
	"Dialer.Open":                  {others: []other{{"the default", nil, false}}},
	"Dialer.HandshakeRate":         {},
	"Dialer.Logger":                {others: []other{{"none", nil, false}, {"one that discards", slog.New(slog.DiscardHandler), false}}},
	"Dialer.Trace":                 {others: []other{{"none", nil, false}, {"one of nothing", new(client.Trace), false}}},
	"Options.WebSocketURL":         {others: []other{{"none", nil, false}, {"of nothing", "ws:", true}, {"of HTTP", site, true}}},
	"Options.Credentials": {others: []other{
		{"none", nil, false},
		{"without a credential", hook(nil, nil), true},
		{"that fails", hook(nil, errors.New("no")), true},
		{"of nothing", hook(new(client.Credential), nil), false},
		{"that expired long ago", hook(&client.Credential{Expires: time.Unix(1, 0)}, nil), false},
		{"that expire at once", func(context.Context, *client.Credential) (*client.Credential, error) {
			return &client.Credential{Expires: time.Now().Add(1)}, nil
		}, false},
		{"that expire in ages", hook(&client.Credential{Expires: time.Unix(1<<60, 0)}, nil), false},
	}},
	"Options.Header":                  {others: []other{{"none", nil, false}, {"an empty one", http.Header{}, false}, {"of nothing", http.Header{"X": nil}, false}}},
	"Options.Jar":                     {others: []other{{"its own", nil, false}, {"one of ours", emptyJar(), false}}},
	"Options.Ext":                     {others: []other{{"none", nil, false}, {"an empty one", struct{}{}, false}, {"a number", 1, true}, {"what is no JSON", func() {}, true}}},
	"Options.NoAck":                   {others: []other{{"with", nil, false}, {"without", true, false}}},
	"Options.Extensions":              {others: []other{{"none", nil, false}, {"an empty list", []client.Extension{}, false}}},
	"Options.Outbox.Messages":         {refused: below(0)},
	"Options.Outbox.Bytes":            {refused: below(0)},
	"Options.NetworkDelay":            {refused: below(int64(time.Millisecond))},
	"Options.Lease":                   {},
	"Options.Backoff":                 {others: backoffs()},
	"Options.KeepDialing":             {others: []other{{"no", nil, false}, {"yes", true, false}}},
	"Options.ChannelChars":            {others: []other{{"none", nil, false}, {"those of the grammar itself", "/*", false}}},
	"SubscribeOptions.WhenFull":       {refused: beyond(int64(client.QueueEndWhenFull))},
	"SubscribeOptions.Ext":            {others: []other{{"none", nil, false}, {"an empty one", struct{}{}, false}, {"what is no JSON", func() {}, true}}},
	"SubscribeOptions.Queue.Messages": {refused: below(0)},
	"SubscribeOptions.Queue.Bytes":    {refused: below(0)},
}

func hook(c *client.Credential, err error) func(context.Context, *client.Credential) (*client.Credential, error) {
	return func(context.Context, *client.Credential) (*client.Credential, error) { return c, err }
}

func emptyJar() http.CookieJar {
	j, _ := cookiejar.New(nil)
	return j
}

func backoffs() (all []other) {
	for name, d := range map[string]time.Duration{"0": 0, "1 ns": 1, "a third of a second": time.Second / 3} {
		all = append(all, other{name, func(int, time.Duration) time.Duration { return d }, false})
	}
	return append(all, other{"the default", nil, false})
}

// walk visits each option in a struct, and in the structs in it.
func walk(v reflect.Value, path string, visit func(path string, v reflect.Value)) {
	for i := range v.NumField() {
		f, name := v.Field(i), v.Type().Field(i)
		switch {
		case !name.IsExported():
		case name.Anonymous:
			walk(f, path, visit)
		case f.Kind() == reflect.Struct:
			walk(f, path+"."+name.Name, visit)
		default:
			visit(path+"."+name.Name, f)
		}
	}
}

// each visits every option.
func (g *given) each(visit func(path string, v reflect.Value)) {
	v := reflect.ValueOf(g).Elem()
	for i := range v.NumField() {
		walk(v.Field(i).Elem(), v.Type().Field(i).Name, visit)
	}
}

// set gives the option of that name a value.
func (g *given) set(path string, value any) {
	g.each(func(p string, v reflect.Value) {
		switch {
		case p != path:
		case value == nil:
			v.SetZero()
		case v.Kind() == reflect.Func || v.Kind() == reflect.Interface || !reflect.TypeOf(value).ConvertibleTo(v.Type()):
			v.Set(reflect.ValueOf(value))
		default:
			v.Set(reflect.ValueOf(value).Convert(v.Type()))
		}
	})
}

// edgesOf are the numbers to try for one of a kind.
func edgesOf(v reflect.Value) []any {
	if v.Type() == reflect.TypeFor[time.Duration]() {
		return all[time.Duration](0, 1, -1, 2, time.Millisecond, time.Millisecond+1, 16*time.Second/3, 5*time.Second+1, time.Hour/7, 25*time.Hour,
			math.MaxInt32, math.MaxInt64/2, math.MaxInt64-1, math.MaxInt64, -time.Hour, math.MinInt64)
	}
	switch v.Kind() {
	case reflect.Int:
		return all(0, 1, -1, 2, 3, 4, 127, 128, 1023, 1024, math.MaxInt32, math.MaxInt/2, math.MaxInt-1, math.MaxInt, math.MinInt)
	case reflect.Uint8:
		return all[uint8](0, 1, 2, 3, 4, math.MaxUint8)
	}
	return nil
}

func all[T any](values ...T) (out []any) {
	for _, v := range values {
		out = append(out, v)
	}
	return out
}

// TestOptionsAtTheirEdges tries each option with each number at an edge, and with
// the functions and the like that it has a row for, in each mode.
func TestOptionsAtTheirEdges(t *testing.T) {
	known := map[string]bool{}
	(&given{new(client.Dialer), new(client.Options), new(client.SubscribeOptions)}).each(func(path string, v reflect.Value) {
		known[path] = true
		row, ok := options[path]
		require.True(t, ok, "%s has no row: what do its edges mean?", path)
		try := func(name string, value any, refused bool) {
			for _, mode := range modes {
				if mode != modes[0] && (refused || raced || path == "Dialer.Policy.Mode") {
					continue
				}
				t.Run(fmt.Sprintf("%s/%s/%s", path, name, mode), func(t *testing.T) { atEdge(t, mode, path, value, refused) })
			}
		}
		for _, value := range edgesOf(v) {
			n := reflect.ValueOf(value).Convert(reflect.TypeFor[int64]()).Int()
			try(fmt.Sprint(value), value, row.refused != nil && row.refused(n))
		}
		for _, o := range row.others {
			try(o.name, o.value, o.fails)
		}
		require.True(t, edgesOf(v) != nil || len(row.others) > 0, "%s is not tried", path)
	})
	for path := range options {
		require.True(t, known[path], "there is no %s", path)
	}
}

// atEdge begins a session with one option set. It works, or Dial says which option
// is wrong.
func atEdge(t *testing.T, mode fallback.Mode, path string, value any, refused bool) {
	synctest.Test(t, func(t *testing.T) {
		s := &stack{T: t, net: memnet.New()}
		s.net.SetLatency(latency / 100) // a NetworkDelay of a millisecond is enough
		s.serve(nil)
		s.dialer = &client.Dialer{Policy: fallback.Policy{Mode: mode}, DialContext: s.net.DialContext, Proxy: http.ProxyURL(nil)}
		defer s.close()
		g := &given{s.dialer, new(client.Options), new(client.SubscribeOptions)}
		g.set(path, value)
		before := heapNow()
		var sub *client.Subscription
		var err error
		if s.c, err = s.dialer.Dial(t.Context(), site, g.Options); err == nil {
			sub, err = s.c.Subscribe(t.Context(), "/a", g.SubscribeOptions)
		}
		if refused {
			var op *client.OpError
			require.ErrorAs(t, err, &op)
			if _, field, _ := strings.Cut(path, "."); options[path].refused != nil {
				require.Contains(t, err.Error(), fmt.Sprintf("%s is %v", field, value))
			}
			return
		}
		require.NoError(t, err)
		s.lives(sub)
		require.Less(t, heapNow(), before+16<<20, "memory")
	})
}
