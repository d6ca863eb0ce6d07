package longpoll

import (
	"context"
	"net"
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/turold/turold/bayeux"
	"github.com/turold/turold/internal/suite/attacks"
	"github.com/turold/turold/transport"
	"github.com/turold/turold/transport/transporttest"
)

// FuzzAnswer has a server say anything at all and hang up: the leg ends once,
// nothing panics, and an error quotes nothing of it.
func FuzzAnswer(f *testing.F) {
	for _, s := range []string{
		good, "", "H", "HTTP/1.1 200 OK\r\n\r\n", "HTTP/1.1 103 Early Hints\r\n\r\n" + good,
		"HTTP/1.1 200 OK\r\n" + asJSON + "Transfer-Encoding: chunked\r\n\r\n2\r\n[]\r\n0\r\n\r\n",
		answerOf("200 OK", asJSON+"Content-Encoding: gzip\r\n", zipped("[]")),
		answerOf("503 Service Unavailable", "Retry-After: 99999999999999999999\r\nSet-Cookie: a={\"\r\n", "x"),
		"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\nabc",
		"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n", "HTTP/1.1 000 \r\n\r\n",
	} {
		f.Add([]byte(s))
	}
	for _, s := range attacks.Answers() {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, answer []byte) {
		n := &transport.SharedConfig{
			Proxy: http.ProxyURL(nil),
			DialContext: func(context.Context, string, string) (net.Conn, error) {
				c, s := net.Pipe()
				go func() {
					defer s.Close()
					r := make([]byte, 4<<10)
					_, _ = s.Read(r)
					_, _ = s.Write(answer)
				}()
				return c, nil
			},
		}
		s := transport.NewSessionConfig(n, &transport.Target{URL: &url.URL{Scheme: "http", Host: "server"}})
		h := new(transporttest.Handler)
		p := transporttest.Check(Open)(s, h)
		h.Queue(transport.LaneCommands, bayeux.Message{Channel: "/a", ID: "1"})
		p.Wake(transport.LaneCommands)
		rec, ok := h.Await(30*time.Second, func(r transporttest.Record) bool { return len(r.Ends) > 0 })
		require.True(t, ok)
		require.NoError(t, p.Close())
		require.Len(t, h.Record().Ends, 1)
		if err := rec.Ends[0].Err; err != nil {
			require.Empty(t, rec.Receipts)
			require.Less(t, len(err.Error()), 200)
			require.LessOrEqual(t, err.RetryAfter, bayeux.MaxAdvised)
		}
	})
}
