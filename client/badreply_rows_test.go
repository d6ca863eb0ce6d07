package client_test

import (
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/turold/turold/bayeux"
	"github.com/turold/turold/client"
)

// badReplies are the rows of the table in docs/servers.md.
var badReplies = []badReply{
	{
		name: "200 with a page of HTML",
		long: outcome{"tries again", "publish has an unknown outcome; gap, new session", 40},
		sock: outcome{"tries again", "publish has an unknown outcome", 60},
		make: page("text/html", "<html>Please sign in</html>")},
	{
		name: "200 with nothing in it",
		long: outcome{"tries again", "publish has an unknown outcome; gap, new session", 40},
		sock: outcome{"tries again", "publish has an unknown outcome; gap, new session", 20},
		make: page("application/json", "")},
	{
		name: "`[]`",
		long: outcome{"tries again", "publish has an unknown outcome; gap, new session", 40},
		sock: outcome{"tries again", "publish has an unknown outcome; gap, new session", 20},
		make: page("application/json", "[]")},
	{
		name: "no reply to the connect",
		long: outcome{"tries again", "publish arrives", 40},
		sock: outcome{"tries again", "publish arrives; gap, new session", 20},
		make: without(func(m bayeux.Message) bool { return m.Channel == bayeux.MetaConnect })},
	{
		name: "no reply to a publish",
		long: outcome{"tries again", "publish has an unknown outcome", 6},
		sock: outcome{"goes on", "publish has an unknown outcome", 6},
		make: without(func(m bayeux.Message) bool { return m.Channel == "/b" })},
	{
		name: "truncated JSON",
		long: outcome{"tries again", "publish has an unknown outcome", 40},
		sock: outcome{"tries again", "publish has an unknown outcome", 60},
		make: rewrite(func(_ []bayeux.Message, body []byte) []byte { return body[:len(body)-1] })},
	{
		name: "an event that cannot be read, in each answer",
		long: outcome{"goes on", "publish arrives; gap, unreadable message", 6},
		sock: outcome{"goes on", "publish arrives; gap, unreadable message", 6},
		make: rewrite(func(_ []bayeux.Message, body []byte) []byte {
			return []byte(strings.Replace(string(body), "[{", `[{"channel":"/a","data":NaN},{`, 1))
		})},
	{
		name: "a connect's reply that cannot be read",
		long: outcome{"goes on", "publish arrives", 6},
		sock: outcome{"goes on", "publish arrives", 6},
		make: rewrite(func(_ []bayeux.Message, body []byte) []byte {
			const connect = `"channel":"/meta/connect"`
			return []byte(strings.ReplaceAll(string(body), connect, connect+`,"connectionType":{}`))
		})},
	{
		name: "connects' answers that are truncated",
		long: outcome{"begins new sessions", "publish arrives; gap, new session", 60},
		sock: outcome{"begins new sessions", "publish arrives or has an unknown outcome; gap, new session", 100},
		make: rewrite(func(ms []bayeux.Message, body []byte) []byte {
			if slices.ContainsFunc(ms, func(m bayeux.Message) bool { return m.Channel == bayeux.MetaConnect }) {
				return body[:len(body)-1]
			}
			return body
		})},
	{
		name: "JSON as text/plain",
		long: outcome{"tries again", "publish has an unknown outcome; gap, new session", 40},
		make: func(f *fault) {
			f.http = func(w http.ResponseWriter, r *http.Request) bool {
				w.Header().Set("Content-Type", "text/plain")
				_, _ = w.Write([]byte(`[{"channel":"/meta/connect","successful":true}]`))
				return true
			}
		}},
	{
		name: "302",
		long: outcome{"tries again", "publish has an unknown outcome; gap, new session", 40},
		sock: outcome{"tries again", "publish never leaves; gap, new session", 40},
		make: status(302, "Location", "http://elsewhere/")},
	{
		name: "401",
		long: outcome{"tries again", "publish has an unknown outcome; gap, new session", 40},
		sock: outcome{"tries again", "publish never leaves; gap, new session", 40},
		make: status(401)},
	{
		name: "403",
		long: outcome{"tries again", "publish has an unknown outcome; gap, new session", 40},
		sock: outcome{"tries again", "publish never leaves; gap, new session", 40},
		make: status(403)},
	{
		name: "404",
		long: outcome{"tries again", "publish has an unknown outcome; gap, new session", 40},
		sock: outcome{"tries again", "publish never leaves; gap, new session", 40},
		make: status(404)},
	{
		name: "407",
		long: outcome{"tries again", "publish has an unknown outcome; gap, new session", 40},
		sock: outcome{"tries again", "publish never leaves; gap, new session", 40},
		make: status(407)},
	{
		name: "408",
		long: outcome{"tries again", "publish has an unknown outcome; gap, new session", 40},
		sock: outcome{"tries again", "publish never leaves; gap, new session", 40},
		make: status(408)},
	{
		name: "413",
		long: outcome{"tries again", "publish never leaves; gap, new session", 40},
		sock: outcome{"tries again", "publish never leaves; gap, new session", 40},
		make: status(413)},
	{
		name: "429",
		long: outcome{"tries again", "publish has an unknown outcome; gap, new session", 40},
		sock: outcome{"tries again", "publish never leaves; gap, new session", 40},
		make: status(429)},
	{
		name: "429, Retry-After: 20",
		long: outcome{"tries again", "publish has an unknown outcome; gap, new session", 6},
		sock: outcome{"tries again", "publish never leaves; gap, new session", 6},
		make: status(429, "Retry-After", "20")},
	{
		name: "500",
		long: outcome{"tries again", "publish has an unknown outcome; gap, new session", 40},
		sock: outcome{"tries again", "publish never leaves; gap, new session", 40},
		make: status(500)},
	{
		name: "502",
		long: outcome{"tries again", "publish has an unknown outcome; gap, new session", 40},
		sock: outcome{"tries again", "publish never leaves; gap, new session", 40},
		make: status(502)},
	{
		name: "503",
		long: outcome{"tries again", "publish has an unknown outcome; gap, new session", 40},
		sock: outcome{"tries again", "publish never leaves; gap, new session", 40},
		make: status(503)},
	{
		name: "503, Retry-After: 20",
		long: outcome{"tries again", "publish has an unknown outcome; gap, new session", 6},
		sock: outcome{"tries again", "publish never leaves; gap, new session", 6},
		make: status(503, "Retry-After", "20")},
	{
		name: "503, Retry-After: 999999999",
		long: outcome{"tries again", "publish never leaves; gap, new session", 6},
		sock: outcome{"tries again", "publish never leaves; gap, new session", 6},
		make: status(503, "Retry-After", "999999999")},
	{
		name: "504",
		long: outcome{"tries again", "publish has an unknown outcome; gap, new session", 40},
		sock: outcome{"tries again", "publish never leaves; gap, new session", 40},
		make: status(504)},
	{
		name: "nothing is ever answered",
		long: outcome{"tries again", "publish has an unknown outcome; gap, new session", 12},
		sock: outcome{"tries again", "publish has an unknown outcome; gap, new session", 20},
		make: rewrite(func([]bayeux.Message, []byte) []byte { return nil })},
	{
		name: "a body that trickles",
		long: outcome{"tries again", "publish has an unknown outcome; gap, new session", 12},
		make: func(f *fault) {
			f.http = func(w http.ResponseWriter, r *http.Request) bool {
				if r.Header.Get("Upgrade") != "" {
					return false
				}
				w.Header().Set("Content-Type", "application/json")
				for r.Context().Err() == nil {
					_, _ = w.Write([]byte(" "))
					_ = http.NewResponseController(w).Flush()
					time.Sleep(time.Second)
				}
				return true
			}
		}},
	{
		name: "the connect's reply has another id",
		long: outcome{"tries again", "publish arrives", 40},
		sock: outcome{"tries again", "publish arrives; gap, new session", 20},
		make: onConnect(func(m *bayeux.Message) { m.ID = "9999" })},
	{
		name: "every reply comes twice",
		long: outcome{"goes on", "publish arrives", 6},
		sock: outcome{"goes on", "publish arrives", 6},
		make: rewrite(func(ms []bayeux.Message, _ []byte) []byte {
			return bayeux.Append(nil, append(slices.Clone(ms), slices.DeleteFunc(slices.Clone(ms), func(m bayeux.Message) bool { return m.IsEvent() })...))
		})},
	{
		name: "a reply after its deadline",
		long: outcome{"tries again", "publish has an unknown outcome", 6},
		sock: outcome{"goes on", "publish has an unknown outcome", 6},
		make: func(f *fault) {
			f.rewrite = func(ms []bayeux.Message, body []byte) []byte {
				if ms[0].Channel == "/b" {
					time.Sleep(15 * time.Second)
				}
				return body
			}
		}},
	{
		name: "another clientId in the replies",
		long: outcome{"goes on", "publish arrives", 6},
		sock: outcome{"goes on", "publish arrives", 6},
		make: onConnect(func(m *bayeux.Message) { m.Meta.ClientID = "somebody" })},
	{
		name: "`reconnect: none`",
		long: outcome{"ends", "publish never leaves; the end: ErrServerEnded", 6},
		sock: outcome{"ends", "publish never leaves; the end: ErrServerEnded", 6},
		make: advise(bayeux.Advice{Reconnect: bayeux.ReconnectNone})},
	{
		name: "`reconnect: handshake` though successful",
		long: outcome{"begins new sessions", "publish arrives; gap, new session", 60},
		sock: outcome{"begins new sessions", "publish arrives or has an unknown outcome; gap, new session", 90},
		make: advise(bayeux.Advice{Reconnect: bayeux.ReconnectHandshake})},
	{
		name: "an interval of 10¹² ms",
		long: outcome{"goes on", "publish arrives; gap, new session", 6},
		sock: outcome{"goes on", "publish arrives; gap, new session", 6},
		make: rawAdvice(`{"interval":1000000000000}`)},
	{
		name: "a negative interval",
		long: outcome{"goes on", "publish arrives", 6},
		sock: outcome{"goes on", "publish arrives", 6},
		make: rawAdvice(`{"interval":-5000}`)},
	{
		name: "a timeout of 10¹² ms",
		long: outcome{"goes on", "publish arrives", 6},
		sock: outcome{"goes on", "publish arrives", 6},
		make: rawAdvice(`{"timeout":1000000000000}`)},
	{
		name: "a negative timeout",
		long: outcome{"goes on", "publish arrives", 6},
		sock: outcome{"goes on", "publish arrives", 6},
		make: rawAdvice(`{"timeout":-1}`)},
	{
		name: "connects are answered at once",
		long: outcome{"goes on", "publish arrives", 60},
		sock: outcome{"goes on", "publish arrives", 60},
		make: func(f *fault) {
			f.begin = func(*stack, *client.Subscription) {}
			f.options.Take = func(ms []bayeux.Message) {
				for i := range ms {
					if f.on.Load() && ms[i].Channel == bayeux.MetaConnect {
						ms[i].Meta.Advice = &bayeux.Advice{Timeout: bayeux.Millis(0)}
					}
				}
			}
		}},
	{
		name: "unknown session, on the connect",
		long: outcome{"begins a new session", "publish arrives; gap, new session", 12},
		sock: outcome{"begins a new session", "publish arrives; gap, new session", 12},
		make: forgets(func(s *stack, _ *client.Subscription) {})},
	{
		name: "unknown session, on a publish",
		long: outcome{"begins a new session", "publish arrives; gap, new session", 12},
		sock: outcome{"begins a new session", "publish arrives; gap, new session", 20},
		make: forgets(func(s *stack, _ *client.Subscription) { _ = s.c.Publish(s.Context(), "/b", 0) })},
	{
		name: "unknown session, on a subscribe",
		long: outcome{"begins a new session", "publish arrives; gap, new session", 12},
		sock: outcome{"begins a new session", "publish arrives; gap, new session", 20},
		make: forgets(func(s *stack, _ *client.Subscription) {
			_, err := s.c.Subscribe(s.Context(), "/c", nil)
			require.NoError(s, err)
		})},
	{
		name: "unknown session, on an unsubscribe",
		long: outcome{"begins a new session", "publish arrives; gap, new session", 20},
		sock: outcome{"begins a new session", "publish arrives; gap, new session", 20},
		make: func(f *fault) {
			f.begin = func(s *stack, _ *client.Subscription) {
				other, err := s.c.Subscribe(s.Context(), "/d", nil)
				require.NoError(s, err)
				s.server.Forget("")
				require.NoError(s, other.Unsubscribe(s.Context()))
			}
		}},
	{
		name: "unknown session, on the disconnect",
		long: outcome{"ends", "publish never leaves; the end: ErrClosed", 6},
		sock: outcome{"ends", "publish never leaves; the end: ErrClosed", 6},
		make: forgets(func(s *stack, _ *client.Subscription) {
			require.NoError(s, s.c.Disconnect(s.Context()))
		})},
	{
		name: "unknown session, on everything",
		long: outcome{"begins new sessions", "publish is refused; gap, new session", 60},
		sock: outcome{"begins new sessions", "publish is refused or has an unknown outcome; gap, new session", 90},
		make: func(f *fault) {
			f.options.Take = func(ms []bayeux.Message) {
				for i := range ms {
					if f.on.Load() && ms[i].Meta != nil {
						ms[i].Meta.ClientID = "nobody"
					}
				}
			}
		}},
	{
		name: "a /meta/disconnect of the server's own, and none advised",
		long: outcome{"ends", "publish never leaves; the end: ErrServerEnded", 6},
		sock: outcome{"ends", "publish never leaves; the end: ErrServerEnded", 6},
		make: func(f *fault) {
			f.begin = func(s *stack, _ *client.Subscription) {
				time.Sleep(time.Second) // until a connect is held again
				s.server.Disconnect("")
			}
		}},
	{
		name: "a /meta/disconnect of the server's own, and nothing more",
		long: outcome{"begins a new session", "publish arrives; gap, new session", 12},
		sock: outcome{"begins a new session", "publish arrives; gap, new session", 12},
		make: func(f *fault) {
			f.begin = func(s *stack, _ *client.Subscription) {
				_ = s.server.Sessions()[0].Deliver("/meta/disconnect", nil)
				s.server.Forget("")
			}
		}},
	{
		name: "messages for channels nobody knows",
		long: outcome{"goes on", "publish arrives", 6},
		sock: outcome{"goes on", "publish arrives", 6},
		make: rewrite(func(ms []bayeux.Message, _ []byte) []byte {
			return bayeux.Append(nil, append(slices.Clone(ms), bayeux.Message{Channel: "/nobody", Data: []byte("1")}, bayeux.Message{Channel: "/meta/none", Data: []byte("1")}))
		})},
}
