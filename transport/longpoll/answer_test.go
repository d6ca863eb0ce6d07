package longpoll

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/turold/turold/bayeux"
	"github.com/turold/turold/internal/wire"
	"github.com/turold/turold/transport"
)

// answerOf is a whole answer with that status line and header.
func answerOf(status, header, body string) string {
	return fmt.Sprintf("HTTP/1.1 %s\r\n%sContent-Length: %d\r\n\r\n%s", status, header, len(body), body)
}

const asJSON = "Content-Type: application/json\r\n"

func zipped(s string) string {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	_, _ = io.WriteString(z, s)
	_ = z.Close()
	return b.String()
}

// TestAnswers sends one exchange for each answer there is, and another one
// after it.
func TestAnswers(t *testing.T) {
	const reply = `[{"channel":"/a","id":"1","successful":true}]`
	for _, tc := range []struct {
		name, answer string
		op           string // empty: in order
		status       int
		messages     int
		is           error
		retry        time.Duration
		anew         bool // the connection cannot serve again
	}{
		{name: "good", answer: good, messages: 1},
		{name: "chunked", answer: "HTTP/1.1 200 OK\r\n" + asJSON + "Transfer-Encoding: chunked\r\n\r\n1\r\n[\r\n1\r\n]\r\n0\r\n\r\n"},
		{name: "one object", answer: answerOf("200 OK", asJSON, `{"channel":"/a","id":"1","successful":true}`), messages: 1},
		{name: "until the end of the connection", answer: "HTTP/1.1 200 OK\r\n" + asJSON + "Connection: close\r\n\r\n" + reply + "close", messages: 1, anew: true},
		{name: "zipped", answer: answerOf("200 OK", asJSON+"Content-Encoding: gzip\r\n", zipped(reply)), messages: 1},
		{name: "after early hints", answer: "HTTP/1.1 103 Early Hints\r\n\r\n" + good, messages: 1},
		{name: "an empty array", answer: answerOf("200 OK", asJSON, "[]")},

		{name: "empty", answer: answerOf("200 OK", asJSON, ""), op: "decode", status: 200},
		{name: "half of the JSON", answer: answerOf("200 OK", asJSON, reply[:20]), op: "decode", status: 200},
		{name: "JSON and more", answer: answerOf("200 OK", asJSON, reply+"x"), op: "decode", status: 200},
		{name: "other JSON", answer: answerOf("200 OK", asJSON, `["a"]`), op: "decode", status: 200},
		{name: "zipped without saying so", answer: answerOf("200 OK", asJSON, zipped(reply)), op: "decode", status: 200},
		{name: "a bracket that does not close", answer: answerOf("200 OK", asJSON, strings.Repeat("[", 1000)), op: "decode", status: 200},
		{name: "a byte order mark", answer: answerOf("200 OK", asJSON, "\ufeff"+reply), messages: 1},

		{name: "a login page", answer: answerOf("200 OK", "Content-Type: text/html\r\n", "<html>"), op: "status", status: 200, is: errContentType},
		{name: "no content type", answer: answerOf("200 OK", "", reply), op: "status", status: 200, is: errContentType},
		{name: "204", answer: "HTTP/1.1 204 No Content\r\n\r\n", op: "status", status: 204},
		{name: "202 with an answer in it", answer: answerOf("202 Accepted", asJSON, reply), op: "status", status: 202},
		{name: "206", answer: answerOf("206 Partial Content", asJSON, reply), op: "status", status: 206},
		{name: "400", answer: answerOf("400 Bad Request", "", "no"), op: "status", status: 400},
		{name: "401", answer: answerOf("401 secret", "", "secret"), op: "status", status: 401},
		{name: "402, JSON", answer: answerOf("402 Payment Required", asJSON, reply), op: "status", status: 402},
		{name: "403", answer: answerOf("403 Forbidden", "", "secret"), op: "status", status: 403},
		{name: "404", answer: answerOf("404 Not Found", "", ""), op: "status", status: 404},
		{name: "407", answer: answerOf("407 Proxy Authentication Required", "", ""), op: "proxy", status: 407},
		{name: "429", answer: answerOf("429 Too Many Requests", "Retry-After: 7\r\n", ""), op: "status", status: 429, retry: 7 * time.Second},
		{name: "500 of a superseded poll", answer: answerOf("500 Internal Server Error", "", "<html>"), op: "status", status: 500},
		{name: "503", answer: answerOf("503 Service Unavailable", "Retry-After: Sat, 01 Jan 2000 00:00:30 GMT\r\nDate: Sat, 01 Jan 2000 00:00:00 GMT\r\n", ""), op: "status", status: 503, retry: 30 * time.Second},
		{name: "504", answer: answerOf("504 Gateway Timeout", "", "<html>"), op: "status", status: 504},
		{name: "a status nobody knows", answer: answerOf("799 secret", "", ""), op: "status", status: 799},
		{name: "an upgrade", answer: "HTTP/1.1 101 Switching Protocols\r\nUpgrade: secret\r\nConnection: upgrade\r\n\r\n", op: "status", status: 101, anew: true},
		{name: "a large error page", answer: answerOf("502 Bad Gateway", "", strings.Repeat("x", 200<<10)), op: "status", status: 502},
		{name: "a huge error page", answer: answerOf("502 Bad Gateway", "", strings.Repeat("x", 2<<20)), op: "status", status: 502, anew: true},
		{name: "half an error page", answer: "HTTP/1.1 403 Forbidden\r\nContent-Length: 1000\r\n\r\nxx", op: "status", status: 403, anew: true},

		{name: "half a body", answer: "HTTP/1.1 200 OK\r\n" + asJSON + "Content-Length: 1000\r\n\r\n" + reply + "close", op: "read", status: 200, is: io.ErrUnexpectedEOF, anew: true},
		{name: "half the chunks", answer: "HTTP/1.1 200 OK\r\n" + asJSON + "Transfer-Encoding: chunked\r\n\r\n1\r\n[\r\nclose", op: "read", status: 200, is: io.ErrUnexpectedEOF, anew: true},
		{name: "bad chunks", answer: "HTTP/1.1 200 OK\r\n" + asJSON + "Transfer-Encoding: chunked\r\n\r\nsecret\r\n", op: "read", status: 200, anew: true},
		{name: "a bad trailer", answer: "HTTP/1.1 200 OK\r\n" + asJSON + "Transfer-Encoding: chunked\r\n\r\n2\r\n[]\r\n0\r\nsecret\r\n\r\n", op: "read", status: 200, is: wire.ErrNotHTTP, anew: true},
		{name: "not zipped", answer: answerOf("200 OK", asJSON+"Content-Encoding: gzip\r\n", "secret, not zipped"), op: "read", status: 200},
		{name: "too large", answer: answerOf("200 OK", asJSON, "["+strings.Repeat(" ", 1<<20)+"]"), op: "read", status: 200, is: bayeux.ErrTooLarge, anew: true},
		{name: "too large in chunks", answer: "HTTP/1.1 200 OK\r\n" + asJSON + "Transfer-Encoding: chunked\r\n\r\n200000\r\n" + strings.Repeat(" ", 2<<20) + "\r\n0\r\n\r\n", op: "read", status: 200, is: bayeux.ErrTooLarge, anew: true},
		{name: "a gzip bomb", answer: answerOf("200 OK", asJSON+"Content-Encoding: gzip\r\n", zipped(strings.Repeat(" ", 8<<20))), op: "read", status: 200, is: bayeux.ErrTooLarge, anew: true},
		{name: "a header too large", answer: "HTTP/1.1 200 OK\r\nX: " + strings.Repeat("x", 70<<10) + "\r\n\r\n", op: "read", is: bayeux.ErrTooLarge, anew: true},
		{name: "hints without end", answer: strings.Repeat("HTTP/1.1 103 Early Hints\r\nX: "+strings.Repeat("x", 1000)+"\r\n\r\n", 100) + good, op: "read", is: bayeux.ErrTooLarge, anew: true},
		{name: "no HTTP", answer: "SSH-2.0-secret\r\n", op: "read", is: wire.ErrNotHTTP, anew: true},
		{name: "a header that is none", answer: "HTTP/1.1 200 OK\r\nsecret\r\n\r\n", op: "read", is: wire.ErrNotHTTP, anew: true},
		{name: "two lengths", answer: "HTTP/1.1 200 OK\r\n" + asJSON + "Content-Length: 5\r\nContent-Length: 6\r\n\r\n[   ] ", op: "read", is: wire.ErrNotHTTP, anew: true},
		{name: "one byte", answer: "Hclose", op: "read", is: wire.ErrNotHTTP, anew: true},
		{name: "the end", answer: "close", op: "read", is: io.EOF, anew: true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			inWorld(t, "http://user:secret@server/cometd?token=secret", func(w *world) {
				first := true
				w.answer("server:80", func(int, *http.Request) string {
					if !first {
						return good
					}
					first = false
					return tc.answer
				})
				err, ms := w.exchange()
				require.Len(w, ms, tc.messages)
				if tc.op == "" {
					require.Nil(w, err)
				} else {
					require.NotNil(w, err)
					require.Equal(w, tc.op, err.Op, "%v", err)
					require.Equal(w, tc.status, err.Status)
					require.Equal(w, tc.retry, err.RetryAfter)
					require.Error(w, err.Err)
					require.False(w, err.Unsent)
					require.False(w, err.StaleConn)
					if tc.is != nil {
						require.ErrorIs(w, err, tc.is)
					}
				}
				err, _ = w.exchange()
				require.Nil(w, err, "and then goes on")
				want := 1
				if tc.anew {
					want = 2
				}
				require.Equal(w, want, w.dialled("server:80"), "connections")
			})
		})
	}
}

// TestASlowBodyIsCut lets a body trickle: nothing but a Cut ends it.
func TestASlowBodyIsCut(t *testing.T) {
	inWorld(t, "http://server/cometd", func(w *world) {
		w.listen("server:80", func(c net.Conn) {
			speak(c, always("HTTP/1.1 200 OK\r\n"+asJSON+"Content-Length: 1000\r\n\r\n["))
		})
		id := w.send(transport.LaneCommands, 10)
		time.Sleep(time.Hour)
		require.Nil(w, w.h.Record().Ended(id))
		start, cause := time.Now(), errors.New("late")
		w.pipe.Cut(id, cause)
		err, ms := w.outcome(id)
		require.Empty(w, ms)
		require.Equal(w, "cut", err.Op)
		require.ErrorIs(w, err, cause)
		require.False(w, err.Unsent)
		require.Zero(w, time.Since(start))
	})
}

// TestASlowErrorPageIsNotWaitedFor: the status is what counts.
func TestASlowErrorPageIsNotWaitedFor(t *testing.T) {
	inWorld(t, "http://server/cometd", func(w *world) {
		w.answer("server:80", always("HTTP/1.1 403 Forbidden\r\nContent-Length: 1000\r\n\r\nno"))
		start := time.Now()
		err, _ := w.exchange()
		require.Equal(w, 403, err.Status)
		require.LessOrEqual(w, time.Since(start), time.Second)
	})
}

// TestNoRedirectIsFollowed looks whether anything goes to where one points.
func TestNoRedirectIsFollowed(t *testing.T) {
	for _, code := range []int{301, 302, 303, 307, 308} {
		for _, to := range []string{"http://other/cometd", "https://server/cometd", "/elsewhere"} {
			inWorld(t, "http://user:secret@server/cometd?token=secret", func(w *world) {
				w.answer("other:80", always(good))
				requests := 0
				w.answer("server:80", func(int, *http.Request) string {
					requests++
					return answerOf(fmt.Sprint(code, " Moved"), "Location: "+to+"\r\nSet-Cookie: a=secret\r\n", "")
				})
				err, _ := w.exchange()
				require.Equal(w, "status", err.Op)
				require.Equal(w, code, err.Status)
				require.ErrorIs(w, err, errRedirect)
				require.Zero(w, w.dialled("other:80")+w.dialled("server:443"))
				require.Equal(w, 1, requests)
			})
		}
	}
}

// TestAConnectionThatIsReset has it die under a request that was read.
func TestAConnectionThatIsReset(t *testing.T) {
	inWorld(t, "http://server/cometd", func(w *world) {
		w.answer("server:80", func(int, *http.Request) string { w.net.Reset("server:80"); return "close" })
		err, _ := w.exchange()
		require.Equal(w, "read", err.Op)
		require.ErrorIs(w, err, syscall.ECONNRESET)
		require.False(w, err.Unsent)
	})
}
