package client

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestJarHasLimitedRoom: old cookies make room for new ones; one that is set
// anew is new, and takes no room twice.
func TestJarHasLimitedRoom(t *testing.T) {
	at := mustParse("http://server.example/cometd")
	j := newJar()
	set := func(name, value string) { j.SetCookies(at, []*http.Cookie{{Name: name, Value: value}}) }
	set("first", "1")
	for n := range maxCookies {
		set("renewed", fmt.Sprint(n))
		if n < maxCookies-2 {
			set(fmt.Sprint("n", n), "x")
		}
	}
	require.Len(t, j.Cookies(at), maxCookies)
	set("last", "1")
	names := map[string]bool{}
	for _, c := range j.Cookies(at) {
		names[c.Name] = true
	}
	require.Len(t, names, maxCookies)
	require.True(t, names["renewed"] && names["last"] && !names["first"])

	set("huge", strings.Repeat("x", maxCookie))
	for n := range 20 {
		set(fmt.Sprint("large", n), strings.Repeat("x", maxCookie-100))
	}
	total := 0
	for _, c := range j.Cookies(at) {
		require.NotEqual(t, "huge", c.Name)
		total += len(c.Value)
	}
	require.LessOrEqual(t, total, maxCookieBytes)
	require.Greater(t, total, maxCookieBytes/2)
}
