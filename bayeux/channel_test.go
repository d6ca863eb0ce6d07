package bayeux

import (
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func TestChannelValidate(t *testing.T) {
	for _, c := range []struct {
		name  Channel
		extra string
		ok    bool
	}{
		{name: "/a", ok: true},
		{name: "/foo/bar/1", ok: true},
		{name: "/Az09-_!~()$@", ok: true},
		{name: "/meta/connect", ok: true},
		{name: "/*", ok: true},
		{name: "/**", ok: true},
		{name: "/a/*", ok: true},
		{name: "/a/**", ok: true},
		{name: "/event/Low_Ink__e", ok: true},
		{name: "/a.b", extra: ".", ok: true},
		{name: "/topic/T?Name='x'&Id=1", extra: "?&='", ok: true},
		{name: "/ünï", extra: "üï", ok: true},

		{name: ""},
		{name: "/"},
		{name: "a/b"},
		{name: "*"},
		{name: "//"},
		{name: "/a/"},
		{name: "//a"},
		{name: "/a//b"},
		{name: "/a//*"},
		{name: "/*/a"},
		{name: "/a/**/b"},
		{name: "/***"},
		{name: "/a*"},
		{name: "/a b"},
		{name: "/a.b"},
		{name: "/a\n"},
		{name: "/a\x00"},
		{name: "/ü"},
		{name: "/\xff"},
		{name: "/\xff", extra: "."},
		{name: "/topic/T?Name='x'"},
	} {
		t.Run(string(c.name)+" "+c.extra, func(t *testing.T) {
			err := c.name.Validate(c.extra)
			if c.ok {
				require.NoError(t, err)
				return
			}
			require.ErrorContains(t, err, "bayeux: channel ")
		})
	}
	long := Channel("/" + strings.Repeat("x", 1<<20) + " ")
	require.Less(t, len(long.Validate("").Error()), 200, "an error does not carry a megabyte")
}

func TestChannelKinds(t *testing.T) {
	for _, c := range []struct {
		name                Channel
		meta, service, wild bool
	}{
		{"/meta/connect", true, false, false},
		{"/meta/nonsense/x", true, false, false},
		{"/meta", false, false, false},
		{"/metal/x", false, false, false},
		{"/Meta/connect", false, false, false},
		{"/service/rpc", false, true, false},
		{"/service", false, false, false},
		{"/services/x", false, false, false},
		{"/a/*", false, false, true},
		{"/**", false, false, true},
		{"/meta/*", true, false, true},
		{"/a*", false, false, false},
		{"/a/***", false, false, false},
		{"*", false, false, false},
		{"", false, false, false},
	} {
		require.Equal(t, c.meta, c.name.Meta(), c.name)
		require.Equal(t, c.service, c.name.Service(), c.name)
		require.Equal(t, c.wild, c.name.Wild(), c.name)
	}
}

func TestChannelMatches(t *testing.T) {
	for _, c := range []struct {
		pattern, name Channel
		want          bool
	}{
		{"/a/b", "/a/b", true},
		{"/a/b", "/a/B", false},
		{"/a", "/a/b", false},
		{"/a/*", "/a/b", true},
		{"/a/*", "/a/b/c", false},
		{"/a/*", "/a", false},
		{"/a/*", "/a/", false},
		{"/a/*", "/ab/c", false},
		{"/a/**", "/a/b", true},
		{"/a/**", "/a/b/c/d", true},
		{"/a/**", "/a", false},
		{"/a/**", "/a/", false},
		{"/a/**", "/ab/c", false},
		{"/*", "/a", true},
		{"/*", "/a/b", false},
		{"/*", "/", false},
		{"/**", "/a", true},
		{"/**", "/a/b", true},
		{"/**", "a", false},
		{"/**", "", false},
		{"/a/*", "/a/*", true},
		{"/a/**", "/a/*", false},
		{"/**", "/a/**", false},
		{"*", "a", false},
		{"**", "a", false},
		{"/a*", "/ab", false},
		{"", "", true},
	} {
		require.Equal(t, c.want, c.pattern.Matches(c.name), "%q on %q", c.name, c.pattern)
	}
}

func TestChannelPatterns(t *testing.T) {
	for _, c := range []struct {
		name Channel
		want []Channel
	}{
		{"/a/b/c", []Channel{"/a/b/c", "/a/b/*", "/a/b/**", "/a/**", "/**"}},
		{"/a", []Channel{"/a", "/*", "/**"}},
		{"/a/*", []Channel{"/a/*"}},
		{"/**", []Channel{"/**"}},
		{"/a/", []Channel{"/a/", "/**"}},
		{"/", []Channel{"/"}},
		{"", []Channel{""}},
		{"a", []Channel{"a"}},
	} {
		require.Equal(t, c.want, slices.Collect(c.name.Patterns), c.name)
		for range c.name.Patterns { // stopping early is allowed anywhere
			break
		}
	}
	for i := 1; i <= 5; i++ {
		var got []Channel
		for p := range Channel("/a/b/c").Patterns {
			if got = append(got, p); len(got) == i {
				break
			}
		}
		require.Len(t, got, i)
	}
}

// anyChannel draws well-formed names and patterns, and some that are not.
var anyChannel = rapid.Custom(func(t *rapid.T) Channel {
	segments := rapid.SliceOfN(rapid.SampledFrom([]string{"a", "b", "ab", "meta", "", "*", "**"}), 0, 5).Draw(t, "segments")
	return Channel(rapid.SampledFrom([]string{"/", "/", "/", ""}).Draw(t, "start") + strings.Join(segments, "/"))
})

// covers is the specification of Matches, by cutting at every slash.
func covers(pattern, name string) bool {
	if pattern == name {
		return true
	}
	p, n := strings.Split(pattern, "/"), strings.Split(name, "/")
	last, end := len(p)-1, n[len(n)-1]
	if last == 0 || len(n) > 1 && (end == "*" || end == "**") || !slices.Equal(p[:last], n[:min(last, len(n))]) {
		return false
	}
	if len(pattern) > maxPattern {
		return false
	}
	rest := n[last:]
	switch p[last] {
	case "*":
		return len(rest) == 1 && rest[0] != ""
	case "**":
		return len(rest) > 0 && strings.Join(rest, "/") != ""
	}
	return false
}

func TestChannelMatchesModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		pattern, name := anyChannel.Draw(t, "pattern"), anyChannel.Draw(t, "name")
		require.Equal(t, covers(string(pattern), string(name)), pattern.Matches(name), "%q on %q", name, pattern)
	})
}

// What Patterns yields is what Matches says, neither more nor less, each once.
func TestChannelPatternsAgreeWithMatches(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		name, other := anyChannel.Draw(t, "name"), anyChannel.Draw(t, "other")
		all := slices.Collect(name.Patterns)
		require.Equal(t, name, all[0])
		for i, p := range all {
			require.True(t, p.Matches(name), "%q on %q", name, p)
			require.NotContains(t, all[i+1:], p)
		}
		require.Equal(t, other.Matches(name), slices.Contains(all, other), "%q on %q", name, other)
	})
}

// A name of a megabyte of slashes is one event's, and must not cost its square.
func TestChannelPatternsAreBounded(t *testing.T) {
	for _, segment := range []string{"/", "/a", "/ab"} {
		name := Channel(strings.Repeat(segment, 1<<20))
		n := 0
		for p := range name.Patterns {
			if n++; p != name {
				require.LessOrEqual(t, len(p), maxPattern)
				require.True(t, p.Matches(name))
			}
		}
		require.Greater(t, n, 300)
		require.LessOrEqual(t, n, maxPattern)
	}
	for _, n := range []int{maxPattern - 3, maxPattern - 2, maxPattern - 1, maxPattern, maxPattern + 1} {
		prefix := Channel("/" + strings.Repeat("x", n-len("//")) + "/") // n bytes
		for _, p := range []Channel{prefix + "*", prefix + "**"} {
			name := prefix + "y"
			fits := len(p) <= maxPattern
			require.Equal(t, fits, p.Matches(name), n)
			require.Equal(t, fits, slices.Contains(slices.Collect(name.Patterns), p), n)
			require.Equal(t, fits, p.Validate("") == nil, n)
			require.NoError(t, name.Validate(""), "a name may be longer")
		}
	}
}
