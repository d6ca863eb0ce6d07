package longpoll

import (
	"net/http"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/stretchr/testify/require"

	"github.com/turold/turold/bayeux"
)

// TestCharsets: a body that is not UTF-8 is read as its header has it; the limit is for what comes out.
func TestCharsets(t *testing.T) {
	wide := func(s string, bigEndian bool) string {
		var b strings.Builder
		for _, u := range utf16.Encode([]rune(s)) {
			hi, lo := byte(u>>8), byte(u)
			if !bigEndian {
				hi, lo = lo, hi
			}
			b.WriteByte(hi)
			b.WriteByte(lo)
		}
		return b.String()
	}
	const message = `[{"channel":"/a","id":"1","data":"%s"}]`
	with := func(s string) string { return strings.Replace(message, "%s", s, 1) }
	for _, tc := range []struct {
		name, kind, body string
		data             string // empty: it cannot be read
	}{
		{"Latin-1", "application/json;charset=ISO-8859-1", with("caf\xe9"), "caf\u00e9"},
		{"Latin-1, other words", `application/json; CHARSET="iso-8859-1"`, with("caf\xe9"), "caf\u00e9"},
		{"Windows", "text/json; charset=windows-1252", with("\x80 \xe9"), "\u20ac \u00e9"},
		{"UTF-8 that calls itself Latin-1", "application/json;charset=ISO-8859-1", with("caf\u00e9"), "caf\u00e9"},
		{"ASCII that calls itself Windows", "application/json;charset=Windows-1252", with("cafe"), "cafe"},
		{"UTF-16, big", "application/json;charset=UTF-16", wide(with("caf\u00e9 \U0001f600"), true), "caf\u00e9 \U0001f600"},
		{"UTF-16, with a mark", "application/json;charset=utf-16", wide("\ufeff"+with("caf\u00e9"), false), "caf\u00e9"},
		{"UTF-16, little", "application/json;charset=UTF-16LE", wide(with("cafe"), false), "cafe"},
		{"UTF-16, big by name", "application/json;charset=utf-16be", wide(with("\u20ac"), true), "\u20ac"},
		{"UTF-8 that calls itself UTF-16", "application/json;charset=UTF-16", with("caf\u00e9"), "caf\u00e9"},
		{"Latin-1 that calls itself nothing", "application/json", with("caf\xe9"), ""},
		{"Latin-1 that calls itself UTF-8", "application/json;charset=utf-8", with("caf\xe9"), ""},
		{"a charset that is not known", "application/json;charset=klingon", with("caf\xe9"), ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			inWorld(t, "http://server/cometd", func(w *world) {
				w.answer("server:80", func(int, *http.Request) string {
					return answerOf("200 OK", "Content-Type: "+tc.kind+"\r\n", tc.body)
				})
				err, ms := w.exchange()
				require.Nil(w, err)
				require.Len(w, ms, 1)
				if tc.data == "" {
					require.Error(w, ms[0].Unreadable())
					return
				}
				require.NoError(w, ms[0].Unreadable())
				require.Equal(w, `"`+tc.data+`"`, string(ms[0].Data))
			})
		})
	}
	_, err := inUTF8([]byte(strings.Repeat("\xe9", 100)), "application/json;charset=iso-8859-1", 150)
	require.ErrorIs(t, err, bayeux.ErrTooLarge)
}
