package main

import (
	"encoding/base64"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/turold/turold/bayeux"
	"github.com/turold/turold/bayeux/bayeuxtest"
)

// TestNothingPrintedIsSecret: whatever goes wrong, with servers that send back
// what they know, no command prints a part of its address, a header, a token or
// an ext, however much it is asked to tell.
func TestNothingPrintedIsSecret(t *testing.T) {
	const said = "canaryuser canarypassword canaryquery canaryheader canarytoken canaryext"
	refusal := func(*http.Request, bayeux.Message) string { return "403:" + said + ":denied " + said }
	onlyPublishes := func(_ *http.Request, m bayeux.Message) string {
		if m.Channel.Meta() {
			return ""
		}
		return "403::" + said
	}
	page := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Location", "http://"+said)
		http.Error(w, said, http.StatusFound)
	}))
	defer page.Close()
	gone := start(t, nil)
	require.NoError(t, gone.Close())
	token := filepath.Join(t.TempDir(), "token")
	require.NoError(t, os.WriteFile(token, []byte("canarytoken"), 0o600))

	for name, address := range map[string]string{
		"in order":           start(t, nil).URL,
		"refused":            start(t, &bayeuxtest.Options{Authorize: refusal}).URL,
		"a publish, refused": start(t, &bayeuxtest.Options{Authorize: onlyPublishes}).URL,
		"a page":             page.URL,
		"gone":               gone.URL,
		"no TLS":             strings.Replace(page.URL, "http:", "https:", 1),
		"no address":         "gopher://host",
	} {
		u, err := url.Parse(address)
		require.NoError(t, err)
		u.User, u.RawQuery = url.UserPassword("canaryuser", "canarypassword"), "token=canaryquery"
		for _, how := range [][]string{{}, {"-v"}, {"-vv"}, {"-vv", "--log", "json"}, {"-vv", "--proxy", "http://canaryproxy:canaryproxy@" + strings.TrimPrefix(page.URL, "http://")}} {
			for _, transport := range []string{"auto", "websocket", "long-polling"} {
				args := append([]string{"publish", "--transport", transport, "-H", "X-Secret: canaryheader", "--token-file", token,
					"--ext", `{"token":"canaryext"}`, u.String(), "/a", `"data"`}, how...)
				r := turold(t, "", args...)
				requireNoSecret(t, r, name, how, transport)
			}
		}
	}
}

// TestUsageQuotesNoSecret: a command line that is wrong may hold one anywhere.
func TestUsageQuotesNoSecret(t *testing.T) {
	const address = "http://canaryuser:canarypassword@host/?token=canaryquery"
	for _, args := range [][]string{
		{"publish", address},
		{"publish", address, "/a", "1", "canary"},
		{"publish", "--proxy", ":canary", address, "/a", "1"},
		{"publish", "-H", "canary", address, "/a", "1"},
		{"publish", "--ext", "canary", address, "/a", "1"},
		{"publish", address, "/a", "canary"},
		{"publish", "--usr=canary", address, "/a", "1"},
		{"publish", "--timeout", "canary", address, "/a", "1"},
		{"publish", "--transport", "canary", address, "/a", "1"},
		{"subscribe", "--count", address, "/a"},
		{"subscribe", "gopher" + address, "/a"},
		{"subscribe", "http://canary%zz", "/a"},
		{address},
	} {
		r := turold(t, "", args...)
		require.Equal(t, exitUsage, r.code)
		requireNoSecret(t, r, args)
	}
}

func requireNoSecret(t *testing.T, r result, about ...any) {
	t.Helper()
	for _, secret := range []string{
		"canary", base64.StdEncoding.EncodeToString([]byte("canaryuser:canarypassword")), base64.StdEncoding.EncodeToString([]byte("canaryproxy:canaryproxy")),
	} {
		require.NotContains(t, r.err, secret, about)
		require.NotContains(t, r.out, secret, about)
	}
}
