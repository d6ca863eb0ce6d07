package wire

import (
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestCookiesComeBackByteForByte sets cookies through a standard jar and looks
// at what the next request carries.
func TestCookiesComeBackByteForByte(t *testing.T) {
	for _, tc := range []struct{ name, set, back string }{
		{"Salesforce's router", `sfdc-stream=!//QiKC+abc==; Path=/; Secure`, `sfdc-stream=!//QiKC+abc==`},
		{"CometD's", `BAYEUX_BROWSER=1a2b3c; Path=/; HttpOnly`, `BAYEUX_BROWSER=1a2b3c`},
		{"quoted", `a="x y"`, `a="x y"`},
		{"space and comma", `a=x y,z`, `a=x y,z`},
		{"JSON", `a={"n":1,"s":"x"}; Path=/`, `a={"n":1,"s":"x"}`},
		{"backslash", `a=x\y`, `a=x\y`},
		{"beyond ASCII", "a=caf\xc3\xa9\xff", "a=caf\xc3\xa9\xff"},
		{"empty", `a=`, `a=`},
		{"equals signs", `a==b==`, `a==b==`},
		{"white space around", `a= x ; Path=/`, `a=x`},
		{"control characters", "a=x\x01y", ""},
		{"no name", `=x`, ""},
		{"no pair", `x`, ""},
		{"another host's", `a=x; Domain=other.example`, ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			jar, err := cookiejar.New(nil)
			require.NoError(t, err)
			u := &url.URL{Scheme: "https", Host: "server.example", Path: "/cometd"}
			jar.SetCookies(u, ResponseCookies(http.Header{"Set-Cookie": {tc.set}}))
			h := http.Header{}
			AddCookies(h, jar.Cookies(u))
			require.Equal(t, tc.back, h.Get("Cookie"))
		})
	}
}

func TestCookiesOfTheSessionAndOfItsHeader(t *testing.T) {
	h := http.Header{"Cookie": {"mine=1"}}
	AddCookies(h, []*http.Cookie{{Name: "a", Value: "x"}, {Name: "b", Value: "y z", Quoted: true}})
	require.Equal(t, http.Header{"Cookie": {`mine=1; a=x; b="y z"`}}, h)
}
