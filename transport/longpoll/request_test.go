package longpoll

import (
	"bytes"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/turold/turold/transport"
)

// TestWhatARequestCarries looks at the header of a POST as the server sees it.
func TestWhatARequestCarries(t *testing.T) {
	for _, tc := range []struct {
		name, url string
		header    http.Header
		host      string
		want      map[string][]string
	}{
		{"by default", "http://server/cometd", nil, "server", map[string][]string{
			"Content-Type": {"application/json;charset=UTF-8"}, "Accept": {"application/json"}, "Accept-Encoding": {"gzip"},
			"Authorization": nil, "Cookie": nil, "Content-Length": {"47"}, "Transfer-Encoding": nil, "Expect": nil,
		}},
		{"the session's", "http://server/cometd", http.Header{"X-A": {"1", "2"}, "Authorization": {"Bearer x"}}, "server", map[string][]string{
			"X-A": {"1", "2"}, "Authorization": {"Bearer x"},
		}},
		{"what would break it", "http://server/cometd", http.Header{"Content-Type": {"text/plain"}, "Accept-Encoding": {"br"}, "Content-Length": {"7"}, "Transfer-Encoding": {"chunked"}}, "server", map[string][]string{
			"Content-Type": {"application/json;charset=UTF-8"}, "Accept-Encoding": {"gzip"}, "Content-Length": {"47"}, "Transfer-Encoding": nil,
		}},
		{"what may be changed", "http://server/cometd", http.Header{"Accept": {"*/*"}, "User-Agent": {"me"}}, "server", map[string][]string{
			"Accept": {"*/*"}, "User-Agent": {"me"},
		}},
		{"another host's name", "http://server/cometd", http.Header{"Host": {"other:8080"}}, "other:8080", nil},
		{"credentials in the URL", "http://Aladdin:open%20sesame@server/cometd", nil, "server", map[string][]string{
			"Authorization": {"Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="},
		}},
		{"credentials twice", "http://Aladdin:open%20sesame@server/cometd", http.Header{"Authorization": {"Bearer x"}}, "server", map[string][]string{
			"Authorization": {"Bearer x"},
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			inWorld(t, tc.url, func(w *world) {
				var got *http.Request
				w.answer("server:80", func(_ int, r *http.Request) string { got = r; return good })
				before := tc.header.Clone()
				w.target.Header = tc.header
				err, _ := w.exchange()
				require.Nil(w, err)
				require.Equal(w, "POST", got.Method)
				require.Equal(w, tc.host, got.Host)
				require.Equal(w, "/cometd", got.RequestURI)
				for k, v := range tc.want {
					require.Equal(w, v, got.Header[k], k)
				}
				require.Equal(w, before, tc.header, "the session's header was changed")
			})
		})
	}
}

// TestTheBodyIsTheBatch and its length is told.
func TestTheBodyIsTheBatch(t *testing.T) {
	inWorld(t, "http://server/cometd?a=b", func(w *world) {
		type seen struct {
			uri, body string
			length    int64
		}
		var got seen
		w.listen("server:80", bodies(func(r *http.Request, body []byte) string {
			got = seen{r.RequestURI, string(body), r.ContentLength}
			return good
		}))
		err, _ := w.outcome(w.send(transport.LaneCommands, 3))
		require.Nil(w, err)
		require.Equal(w, seen{"/cometd?a=b", `[{"channel":"/a","id":"1","data":"xxx"}]`, 40}, got)
	})
}

// TestTheTargetChanges moves a session between two exchanges.
func TestTheTargetChanges(t *testing.T) {
	inWorld(t, "http://server/cometd", func(w *world) {
		w.answer("server:80", always(good))
		token := ""
		w.answer("other:80", func(_ int, r *http.Request) string { token = r.Header.Get("X-Token"); return good })
		err, _ := w.exchange()
		require.Nil(w, err)
		w.session.SetTarget(&transport.Target{URL: &url.URL{Scheme: "http", Host: "other"}, Header: http.Header{"X-Token": {"new"}}})
		err, _ = w.exchange()
		require.Nil(w, err)
		require.Equal(w, "new", token)
		require.Equal(w, 1, w.dialled("server:80"))
	})
}

// TestCookies has a server set them, and wants them back byte for byte on
// either lane, and from refusals too.
func TestCookies(t *testing.T) {
	inWorld(t, "http://server/cometd", func(w *world) {
		var err error
		w.session.Jar, err = cookiejar.New(nil)
		require.NoError(w, err)
		var got []string
		w.answer("server:80", func(_ int, r *http.Request) string {
			got = append(got, r.Header.Get("Cookie"))
			switch len(got) {
			case 1:
				return answerOf("200 OK", asJSON+"Set-Cookie: BAYEUX_BROWSER=1a; Path=/; HttpOnly\r\nSet-Cookie: sfdc-stream=!//QiKC+abc==; Path=/\r\n", "[]")
			case 2:
				return answerOf("503 Service Unavailable", "Set-Cookie: route={\"n\": \"a, b\"}; Path=/\r\n", "")
			}
			return good
		})
		_, _ = w.exchange()
		_, _ = w.outcome(w.send(transport.LaneConnect, 1))
		_, _ = w.exchange()
		require.Equal(w, []string{
			"",
			"BAYEUX_BROWSER=1a; sfdc-stream=!//QiKC+abc==",
			`BAYEUX_BROWSER=1a; sfdc-stream=!//QiKC+abc==; route={"n": "a, b"}`,
		}, got)
	})
}

// TestOnlyDebugIsLogged, and no secret.
func TestOnlyDebugIsLogged(t *testing.T) {
	for level, lines := range map[slog.Level]int{slog.LevelDebug: 2, slog.LevelInfo: 0} {
		inWorld(t, "http://user:secret@server/cometd?token=secret", func(w *world) {
			var b bytes.Buffer
			w.session.Logger = slog.New(slog.NewTextHandler(&b, &slog.HandlerOptions{Level: level}))
			n := 0
			w.answer("server:80", func(int, *http.Request) string {
				if n++; n == 1 {
					return good
				}
				return answerOf("302 secret", "Location: /secret\r\n", "secret")
			})
			_, _ = w.exchange()
			_, _ = w.exchange()
			require.Equal(w, lines, bytes.Count(b.Bytes(), []byte("\n")), b.String())
			require.NotContains(w, b.String(), "secret")
		})
	}
}

// TestABodyHasItsExactSize whether its length is known or not.
func TestABodyHasItsExactSize(t *testing.T) {
	for _, length := range []int64{1000, -1} {
		b, err := readBody(&http.Response{ContentLength: length, Body: io.NopCloser(bytes.NewReader(make([]byte, 1000)))}, 1000)
		require.NoError(t, err)
		require.Len(t, b, 1000)
		require.LessOrEqual(t, cap(b), 1024, "no more than the allocator's next size")
	}
}
