package client_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/turold/turold/bayeux"
	"github.com/turold/turold/bayeux/bayeuxtest"
	"github.com/turold/turold/bayeux/bayeuxtest/memnet"
	"github.com/turold/turold/client"
	"github.com/turold/turold/fallback"
)

// A badReply is one way of a server, or of a proxy in its place, to answer
// wrongly for a minute, and what becomes of a session that was in order.
type badReply struct {
	name string
	long outcome // by long-polling; zero: it cannot happen there
	sock outcome // on a WebSocket
	make func(*fault)
}

// An outcome is what was seen, and the most requests that the minute may see:
// HTTP requests, and frames on a WebSocket.
type outcome struct {
	does string // what the session does next
	sees string // what the application sees: of a publish in that minute, of its subscription, of the session
	most int
}

// A fault is how the server errs while on is set.
type fault struct {
	on      atomic.Bool
	http    func(w http.ResponseWriter, r *http.Request) bool // answers in the server's place
	rewrite func(ms []bayeux.Message, body []byte) []byte
	begin   func(*stack, *client.Subscription) // once, when it begins
	options bayeuxtest.Options
}

func status(code int, header ...string) func(*fault) {
	return func(f *fault) {
		f.begin = cut
		f.http = func(w http.ResponseWriter, _ *http.Request) bool {
			for i := 0; i < len(header); i += 2 {
				w.Header().Set(header[i], header[i+1])
			}
			w.WriteHeader(code)
			return true
		}
	}
}

// cut breaks the sockets, so that an upgrade is what the fault meets.
func cut(s *stack, _ *client.Subscription) { s.server.CutAll() }

// page answers everything with a page, in frames too.
func page(kind, body string) func(*fault) {
	return func(f *fault) {
		f.http = func(w http.ResponseWriter, r *http.Request) bool {
			if r.Header.Get("Upgrade") != "" {
				return false
			}
			w.Header().Set("Content-Type", kind)
			_, _ = w.Write([]byte(body))
			return true
		}
		f.rewrite = func([]bayeux.Message, []byte) []byte { return []byte(body) }
	}
}

// rewrite changes what is written.
func rewrite(f func(ms []bayeux.Message, body []byte) []byte) func(*fault) {
	return func(x *fault) { x.rewrite = f }
}

// onConnect changes a /meta/connect's reply that is written.
func onConnect(change func(m *bayeux.Message)) func(*fault) {
	return rewrite(func(ms []bayeux.Message, body []byte) []byte {
		ms = slices.Clone(ms)
		for i := range ms {
			if ms[i].Channel == bayeux.MetaConnect {
				meta := *ms[i].Meta
				ms[i].Meta = &meta
				change(&ms[i])
			}
		}
		return bayeux.Append(nil, ms)
	})
}

func advise(a bayeux.Advice) func(*fault) {
	return onConnect(func(m *bayeux.Message) { m.Meta.Advice = &a })
}

// rawAdvice puts text where a connect's reply has its advice.
func rawAdvice(text string) func(*fault) {
	return func(f *fault) {
		onConnect(func(m *bayeux.Message) { m.Meta.Advice = nil })(f)
		bare := f.rewrite
		f.rewrite = func(ms []bayeux.Message, body []byte) []byte {
			const connect = `"channel":"/meta/connect"`
			return []byte(strings.Replace(string(bare(ms, body)), connect, connect+`,"advice":`+text, 1))
		}
	}
}

// without leaves messages out.
func without(drop func(m bayeux.Message) bool) func(*fault) {
	return rewrite(func(ms []bayeux.Message, _ []byte) []byte {
		return bayeux.Append(nil, slices.DeleteFunc(slices.Clone(ms), drop))
	})
}

// forgets has the server forget the session, and does something that finds out.
func forgets(then func(s *stack, sub *client.Subscription)) func(*fault) {
	return func(f *fault) {
		f.begin = func(s *stack, sub *client.Subscription) {
			s.server.Forget("")
			then(s, sub)
		}
	}
}

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

// sight is what is seen of a session.
type sight struct {
	*stack
	f        *fault
	requests atomic.Int64
	sub      *client.Subscription

	mu   sync.Mutex
	data []string
	gaps []string
}

// look plays one row on one transport, and returns what was seen.
func (b *badReply) look(t *testing.T, mode fallback.Mode) (got outcome) {
	s := &sight{stack: &stack{T: t, net: memnet.New()}, f: new(fault)}
	b.make(s.f)
	s.net.SetLatency(latency)
	o := s.f.options
	take := o.Take
	o.Take = func(ms []bayeux.Message) {
		if s.f.on.Load() && mode == fallback.WebSocketOnly {
			s.requests.Add(1)
		}
		if take != nil {
			take(ms)
		}
	}
	o.Request = func(w http.ResponseWriter, r *http.Request) bool {
		if !s.f.on.Load() {
			return false
		}
		s.requests.Add(1)
		return s.f.http != nil && s.f.http(w, r)
	}
	o.Rewrite = func(ms []bayeux.Message, body []byte) []byte {
		if s.f.on.Load() && s.f.rewrite != nil {
			return s.f.rewrite(ms, body)
		}
		return body
	}
	s.serve(&o)
	s.dialer = &client.Dialer{Policy: fallback.Policy{Mode: mode}, DialContext: s.net.DialContext, Proxy: http.ProxyURL(nil)}
	defer s.close()
	var err error
	s.c, err = s.dialer.Dial(t.Context(), site, nil)
	require.NoError(t, err)
	s.sub, err = s.c.Subscribe(t.Context(), "/a", nil)
	require.NoError(t, err)
	time.Sleep(5 * time.Second)

	reader, stop := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() { s.read(reader) })
	defer wg.Wait()
	defer stop()

	failures, sessions := s.dialer.Stats().Failures, s.c.Status().Session
	s.f.on.Store(true)
	require.NoError(t, s.server.Publish("/a", "during"))
	if s.f.begin != nil {
		s.f.begin(s.stack, s.sub)
	}
	time.Sleep(time.Second)
	published := make(chan error, 1)
	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Second)
	defer cancel()
	wg.Go(func() { published <- s.c.Publish(ctx, "/b", 1) })
	time.Sleep(time.Minute - time.Second)
	got.most = int(s.requests.Load())
	status := s.c.Status()
	switch {
	case status.State == client.StateClosed:
		got.does = "ends"
	case status.Session-sessions > 1:
		got.does = "begins new sessions"
	case status.Session > sessions:
		got.does = "begins a new session"
	case s.dialer.Stats().Failures > failures:
		got.does = "tries again"
	default:
		got.does = "goes on"
	}
	s.f.on.Store(false)
	sees := []string{"publish " + told(<-published)}

	// Whatever it was, it passes: the session works again, or has said that it is over.
	time.Sleep(11 * time.Minute)
	if status.State == client.StateClosed {
		sees = append(sees, "the end: "+endOf(s.c.Err()))
	} else {
		require.NoError(t, s.c.Publish(t.Context(), "/b", 2), "it works again")
		require.NoError(t, s.server.Publish("/a", "after"))
		time.Sleep(time.Minute)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if status.State != client.StateClosed {
		require.Equal(t, "after", strings.Trim(s.data[len(s.data)-1], `"`))
		if len(s.gaps) == 0 {
			require.Equal(t, []string{`"during"`, `"after"`}, s.data, "no gap was told, so nothing is missing")
		}
	}
	got.sees = strings.Join(append(sees, slices.Compact(s.gaps)...), "; ")
	return got
}

func (s *sight) read(ctx context.Context) {
	for {
		m, err := client.Flat(s.sub.Next(ctx))
		var gap *client.GapError
		switch {
		case errors.As(err, &gap):
			s.mu.Lock()
			s.gaps = append(s.gaps, "gap, "+string(gap.Reason))
			s.mu.Unlock()
		case err != nil:
			return
		default:
			s.mu.Lock()
			s.data = append(s.data, string(m.Data))
			s.mu.Unlock()
		}
	}
}

// told is the outcome of a publish in a word.
func told(err error) string {
	var refused *bayeux.Error
	var open *client.OutcomeError
	switch {
	case err == nil:
		return "arrives"
	case errors.As(err, &refused):
		return "is refused"
	case errors.As(err, &open) && open.Sent:
		return "has an unknown outcome"
	case errors.As(err, &open):
		return "never leaves"
	}
	return err.Error()
}

func endOf(err error) string {
	switch {
	case errors.Is(err, client.ErrServerEnded):
		return "ErrServerEnded"
	case errors.Is(err, client.ErrClosed):
		return "ErrClosed"
	}
	return err.Error()
}

var update = flag.Bool("update", false, "write the table of bad replies into docs/servers.md again")

// TestBadReplies plays every row on both transports.
func TestBadReplies(t *testing.T) {
	for i := range badReplies {
		b := &badReplies[i]
		for _, on := range []struct {
			mode fallback.Mode
			want outcome
		}{{fallback.LongPollingOnly, b.long}, {fallback.WebSocketOnly, b.sock}} {
			if on.want == (outcome{}) {
				continue
			}
			t.Run(b.name+"/"+on.mode.String(), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					got := b.look(t, on.mode)
					require.Equal(t, on.want.does, got.does)
					require.True(t, on.want.allows(got.sees), "%s: %s", on.want.sees, got.sees)
					require.LessOrEqual(t, got.most, on.want.most, "requests in a minute")
					t.Logf("%d requests in a minute", got.most)
				})
			})
		}
	}
}

// allows compares what was seen, where "publish a or b" is either.
func (o outcome) allows(sees string) bool {
	either, rest, _ := strings.Cut(o.sees, ";")
	publish, more, _ := strings.Cut(sees, ";")
	return rest == more && slices.Contains(strings.Split(strings.TrimPrefix(either, "publish "), " or "), strings.TrimPrefix(publish, "publish "))
}

// TestBadRepliesAreInTheDocuments holds the table in docs/servers.md to the rows.
func TestBadRepliesAreInTheDocuments(t *testing.T) {
	const begin, end = "<!-- bad replies: go test ./client -run TestBadRepliesAreInTheDocuments -update -->\n", "<!-- end -->"
	file := filepath.Join("..", "docs", "servers.md")
	text, err := os.ReadFile(file)
	require.NoError(t, err)
	before, rest, ok := strings.Cut(string(text), begin)
	require.True(t, ok)
	_, after, ok := strings.Cut(rest, end)
	require.True(t, ok)
	table := badReplyTable()
	if *update {
		require.NoError(t, os.WriteFile(file, []byte(before+begin+table+end+after), 0o644))
		return
	}
	require.Equal(t, string(text), before+begin+table+end+after, "run it with -update")
}

func badReplyTable() string {
	var b strings.Builder
	b.WriteString("| For a minute there comes | By long-polling the session | the application sees | requests, at most | On a WebSocket the session | the application sees | frames and upgrades, at most |\n|---|---|---|---|---|---|---|\n")
	for _, r := range badReplies {
		fmt.Fprintf(&b, "| %s | %s | %s |\n", r.name, r.long.cells(), r.sock.cells())
	}
	return b.String()
}

func (o outcome) cells() string {
	if o == (outcome{}) {
		return "- | - | -"
	}
	return fmt.Sprintf("%s | %s | %d", o.does, o.sees, o.most)
}
