package fallback_test

import (
	"bufio"
	"context"
	"log/slog"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/turold/turold/bayeux/bayeuxtest"
	"github.com/turold/turold/bayeux/bayeuxtest/hostile"
	"github.com/turold/turold/bayeux/bayeuxtest/memnet"
	"github.com/turold/turold/fallback"
	"github.com/turold/turold/internal/testutil/testnet"
	"github.com/turold/turold/transport"
	"github.com/turold/turold/transport/longpoll"
	"github.com/turold/turold/transport/transporttest"
	"github.com/turold/turold/transport/websocket"
)

const (
	address = "server:80"
	apart   = "socket:80"            // where a world with two addresses has its WebSocket
	oneWay  = 50 * time.Millisecond  // the latency
	trip    = 100 * time.Millisecond // a round trip; a TCP handshake takes as much
)

// A world is a network with one server and a user, who reaches it through a
// valve over the real pipes. What may be changed is changed before start.
type world struct {
	*testing.T
	net     *memnet.Network
	options bayeuxtest.Options
	way     *hostile.Listener // from start
	fault   hostile.Fault     // of it
	target  transport.Target
	user    *user
	server  *bayeuxtest.Running
	pipe    transport.Transport
	begun   time.Time
	quit    chan struct{} // closed at the end: what hangs goes on
	slow    bool          // the socket pipe begins late with what the valve wants of it

	mu    sync.Mutex
	whole func(http.ResponseWriter, *http.Request) bool // all requests, if not nil
	sock  func(http.ResponseWriter, *http.Request) bool // upgrades, if not nil
	dials map[string]int                                // by connectionType
	moves []fallback.Decision
	logs  logs
}

// inWorld runs f in a bubble with a world that it starts.
func inWorld(t *testing.T, f func(w *world)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := &world{T: t, net: memnet.New(), user: newUser(), quit: make(chan struct{}), dials: map[string]int{},
			target: transport.Target{URL: &url.URL{Scheme: "http", Host: address, Path: "/cometd"}}}
		w.net.SetLatency(oneWay)
		w.options.Request = w.request
		defer w.stop()
		f(w)
		w.close()
	})
}

// close closes the valve and looks at what comes after.
func (w *world) close() {
	start := time.Now()
	require.NoError(w, w.pipe.Close())
	require.LessOrEqual(w, time.Since(start), trip)
	saw, moves := w.user.saw(), len(w.told())
	time.Sleep(time.Minute)
	require.Equal(w, saw.shakes, w.user.saw().shakes, "asked after Close")
	require.Len(w, w.told(), moves)
	require.Zero(w, saw.surprise, "something came on a leg that the user does not know")
	w.judge()
}

// stop clears away, also after a test that failed half-way.
func (w *world) stop() {
	_ = w.pipe.Close()
	close(w.quit)
	w.net.Reset(address)
	_ = w.server.Close()
}

// judge holds the log to what was told.
func (w *world) judge() {
	require.Equal(w, len(w.told()), len(w.logs.all()), "a line for each decision")
	last := ""
	for i, d := range w.told() {
		require.Equal(w, last, d.From)
		require.Equal(w, d.To, d.Transport)
		require.False(w, d.From == d.To && d.Err == nil, "nothing was found out")
		require.Equal(w, d.Err == nil, slices.Contains([]fallback.Reason{fallback.ReasonFirst, fallback.ReasonBack, fallback.ReasonProven}, d.Reason))
		last = d.To
		line := w.logs.all()[i]
		require.Equal(w, "transport", line["msg"])
		require.Equal(w, d.Transport, line["transport"])
		require.Equal(w, d.From, line["from"])
		require.Equal(w, d.To, line["to"])
		require.Equal(w, string(d.Reason), line["reason"])
		if d.Err != nil {
			require.Equal(w, d.Err.Error(), line["err"])
		}
	}
}

// serve begins to serve, once the options are as the test wants them.
func (w *world) serve() {
	l, err := w.net.Listen(address)
	require.NoError(w, err)
	w.way = hostile.Listen(l, w.fault)
	w.server = bayeuxtest.Serve(w.way, "/cometd", bayeuxtest.New(&w.options), nil)
}

// start serves, opens the valve, and lets the user begin.
func (w *world) start(p fallback.Policy) {
	w.serve()
	w.pipe = w.open(p, w.user, slog.New(&w.logs), func(d fallback.Decision) {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.moves = append(w.moves, d)
	})
	require.Equal(w, p.Mode != fallback.LongPollingOnly, w.pipe.Types()[0] == transport.WebSocket)
	w.begun = time.Now()
	w.user.wake(transport.LaneCommands)
}

// another opens a valve for another user.
func (w *world) another(p fallback.Policy, u *user) transport.Transport {
	return w.open(p, u, slog.New(slog.DiscardHandler), nil)
}

func (w *world) open(p fallback.Policy, u *user, log *slog.Logger, onDecision func(fallback.Decision)) transport.Transport {
	n := &transport.SharedConfig{Proxy: http.ProxyURL(nil)}
	s := transport.NewSessionConfig(n, &w.target)
	s.Jar, _ = cookiejar.New(nil)
	s.Logger = log
	socket := w.counted(transport.WebSocket, websocket.Open)
	if w.slow {
		socket = slowly(socket)
	}
	open := fallback.New(p, socket, w.counted(transport.LongPolling, longpoll.Open), onDecision)
	u.pipe = transporttest.Check(open)(s, u)
	return u.pipe
}

// slowly is what a machine makes of a pipe when it has other things to do between
// a decision and what follows from it.
func slowly(open transport.Opener) transport.Opener {
	return func(s *transport.SessionConfig, h transport.Handler) transport.Transport { return slow{open(s, h)} }
}

type slow struct{ transport.Transport }

func (s slow) Drain(id transport.LegID) {
	time.Sleep(time.Millisecond)
	s.Transport.Drain(id)
}

func (s slow) Cut(id transport.LegID, cause error) {
	time.Sleep(time.Millisecond)
	s.Transport.Cut(id, cause)
}

// counted opens a refereed pipe whose dials are counted.
func (w *world) counted(kind string, open transport.Opener) transport.Opener {
	return transporttest.Check(func(s *transport.SessionConfig, h transport.Handler) transport.Transport {
		n := &transport.SharedConfig{Proxy: s.Shared.Proxy}
		n.DialContext = func(ctx context.Context, network, addr string) (net.Conn, error) {
			w.mu.Lock()
			w.dials[kind]++
			w.mu.Unlock()
			return w.net.DialContext(ctx, network, addr)
		}
		own := transport.NewSessionConfig(n, s.Target())
		own.Jar, own.Logger = s.Jar, s.Logger
		return open(own, h)
	})
}

// dialled holds the pipes to a number of dials each.
func (w *world) dialled(socket, http int) {
	w.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	require.Equal(w, socket, w.dials[transport.WebSocket], "dials of the socket")
	require.Equal(w, http, w.dials[transport.LongPolling], "dials of HTTP")
}

// dialCount is how often each pipe has dialled.
func (w *world) dialCount() (socket, http int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.dials[transport.WebSocket], w.dials[transport.LongPolling]
}

func (w *world) told() []fallback.Decision {
	w.mu.Lock()
	defer w.mu.Unlock()
	return append([]fallback.Decision(nil), w.moves...)
}

// changes are the decisions that moved the session.
func (w *world) changes() []fallback.Decision {
	return slices.DeleteFunc(w.told(), func(d fallback.Decision) bool { return d.From == d.To })
}

// decided holds the valve to the changes it told, as "from>to reason".
func (w *world) decided(want ...string) {
	w.Helper()
	var got []string
	for _, d := range w.changes() {
		got = append(got, d.From+">"+d.To+" "+string(d.Reason))
	}
	require.Equal(w, want, got)
}

// lives holds the session to being served on a transport, for minutes.
func (w *world) lives(kind string) {
	w.Helper()
	socket, http := w.dialCount()
	for range 30 {
		time.Sleep(10 * time.Second)
		start := time.Now()
		id := w.user.publish()
		time.Sleep(5 * trip)
		reply, ok := w.user.saw().replies[id]
		require.True(w, ok, "a publish is answered")
		require.Equal(w, kind, reply.kind)
		require.LessOrEqual(w, reply.at.Sub(start), 2*trip+2*oneWay)
	}
	s, h := w.dialCount()
	require.Equal(w, socket, s, "sockets dialled while the session lives")
	require.LessOrEqual(w, h, http+1, "HTTP has a connection for each lane")
}

func (w *world) request(rw http.ResponseWriter, r *http.Request) bool {
	w.mu.Lock()
	f := w.whole
	if f == nil && r.Header.Get("Upgrade") != "" {
		f = w.sock
	}
	w.mu.Unlock()
	return f != nil && f(rw, r)
}

// all has every request answered by f from now on, sockets has upgrades; nil:
// by the server.
func (w *world) all(f func(http.ResponseWriter, *http.Request) bool) { w.set(&w.whole, f) }

func (w *world) sockets(f func(http.ResponseWriter, *http.Request) bool) { w.set(&w.sock, f) }

func (w *world) set(to *func(http.ResponseWriter, *http.Request) bool, f func(http.ResponseWriter, *http.Request) bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	*to = f
}

// status answers with a status.
func status(code int) func(http.ResponseWriter, *http.Request) bool {
	return func(rw http.ResponseWriter, _ *http.Request) bool {
		http.Error(rw, "no", code)
		return true
	}
}

// hang answers nothing until the connection goes, or the world ends.
func (w *world) hang(rw http.ResponseWriter, r *http.Request) bool {
	return w.hijack(rw, r, "", func(net.Conn) {})
}

// opens answers 101 and then writes s, and nothing more.
func (w *world) opens(s string) func(http.ResponseWriter, *http.Request) bool {
	return func(rw http.ResponseWriter, r *http.Request) bool {
		return w.hijack(rw, r, testnet.Switching(r, ""), func(c net.Conn) { _, _ = c.Write([]byte(s)) })
	}
}

// hijack takes the connection over, writes head, waits for a first frame if
// there was a head, calls then, and reads on until the end.
func (w *world) hijack(rw http.ResponseWriter, _ *http.Request, head string, then func(net.Conn)) bool {
	c, buffered, err := rw.(http.Hijacker).Hijack()
	if err != nil {
		return true
	}
	defer c.Close()
	gone := context.AfterFunc(w.ended(), func() { c.Close() })
	defer gone()
	in := bufio.NewReader(buffered)
	if _, err := c.Write([]byte(head)); err == nil && head != "" {
		_, _ = in.ReadByte()
	}
	then(c)
	for err == nil {
		_, err = in.ReadByte()
	}
	return true
}

// ended is a context that ends with the world.
func (w *world) ended() context.Context {
	ctx, end := context.WithCancel(context.Background())
	go func() {
		<-w.quit
		end()
	}()
	return ctx
}

// logs keep what is logged at Info and above.
type logs struct {
	mu    sync.Mutex
	lines []map[string]string
}

func (l *logs) Enabled(_ context.Context, v slog.Level) bool { return v >= slog.LevelInfo }
func (l *logs) WithAttrs([]slog.Attr) slog.Handler           { return l }
func (l *logs) WithGroup(string) slog.Handler                { return l }

func (l *logs) Handle(_ context.Context, r slog.Record) error {
	line := map[string]string{"msg": r.Message}
	r.Attrs(func(a slog.Attr) bool { line[a.Key] = a.Value.String(); return true })
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lines = append(l.lines, line)
	return nil
}

func (l *logs) all() []map[string]string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return append([]map[string]string(nil), l.lines...)
}
