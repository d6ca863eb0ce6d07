package longpoll

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/turold/turold/bayeux"
	"github.com/turold/turold/bayeux/bayeuxtest/memnet"
	"github.com/turold/turold/transport"
	"github.com/turold/turold/transport/transporttest"
)

// A world is a network in memory with a pipe on it. Every secret in it is
// spelled "secret", so that a test can look for it where it must not be.
type world struct {
	*testing.T
	net     *memnet.Network
	network *transport.SharedConfig
	target  *transport.Target
	session *transport.SessionConfig
	h       *transporttest.Handler
	pipe    transport.Transport

	mu    sync.Mutex
	dials map[string]int
	stop  []func()
}

// inWorld runs f in a bubble with a world whose session goes to address.
func inWorld(t *testing.T, address string, f func(w *world)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		u, err := url.Parse(address)
		require.NoError(t, err)
		w := &world{T: t, net: memnet.New(), h: new(transporttest.Handler), dials: map[string]int{}}
		w.network = &transport.SharedConfig{
			Proxy: http.ProxyURL(nil),
			DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
				w.mu.Lock()
				w.dials[addr]++
				w.mu.Unlock()
				return w.net.DialContext(ctx, network, addr)
			},
		}
		w.target = &transport.Target{URL: u, Header: http.Header{"X-Token": {"secret"}}}
		w.session = transport.NewSessionConfig(w.network, w.target)
		defer func() {
			for _, stop := range w.stop {
				stop()
			}
		}()
		defer w.close()
		f(w)
	})
}

// close closes the pipe, in whatever state the test has left it.
func (w *world) close() {
	if w.pipe == nil {
		return
	}
	start := time.Now()
	require.NoError(w, w.pipe.Close())
	require.LessOrEqual(w, time.Since(start), 100*time.Millisecond)
}

// open opens the pipe, once the session is as the test wants it.
func (w *world) open() transport.Transport {
	if w.pipe == nil {
		w.pipe = transporttest.Check(Open)(w.session, w.h)
	}
	return w.pipe
}

func (w *world) dialled(addr string) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.dials[addr]
}

// send gives the pipe a batch of one publish with n bytes of data.
func (w *world) send(lane transport.Lane, n int) transport.LegID {
	w.Helper()
	before := len(w.h.Record().Draws)
	data := append(append([]byte{'"'}, make([]byte, n)...), '"')
	for i := range n {
		data[i+1] = 'x'
	}
	w.h.Queue(lane, bayeux.Message{Channel: "/a", ID: "1", Data: data})
	w.open().Wake(lane)
	rec, ok := w.h.Await(time.Minute, func(r transporttest.Record) bool { return len(r.Draws) > before })
	require.True(w, ok, "nothing was drawn")
	return rec.Draws[before].Leg.ID
}

// exchange sends a small batch and returns how its leg ended and what came.
func (w *world) exchange() (*transport.Error, []bayeux.Message) {
	w.Helper()
	return w.outcome(w.send(transport.LaneCommands, 10))
}

func (w *world) outcome(id transport.LegID) (*transport.Error, []bayeux.Message) {
	w.Helper()
	rec, ok := w.h.Await(2*time.Minute, func(r transporttest.Record) bool { return r.Ended(id) != nil })
	require.True(w, ok, "the leg does not end")
	var ms []bayeux.Message
	for _, f := range rec.Receipts {
		if f.Leg == id {
			ms = append(ms, f.Messages...)
		}
	}
	err := rec.Ended(id).Err
	if err != nil {
		require.NotContains(w, err.Error(), "secret")
		require.NotContains(w, err.Error(), "token")
	}
	return err, ms
}

// listen hands each connection to addr to serve, and closes it after.
func (w *world) listen(addr string, serve func(net.Conn)) {
	w.Helper()
	l, err := w.net.Listen(addr)
	require.NoError(w, err)
	var all sync.WaitGroup
	var ends []net.Conn // to close: a client that closed leaves them stalled
	all.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			ends = append(ends, c)
			all.Go(func() {
				defer c.Close()
				serve(c)
			})
		}
	})
	w.stop = append(w.stop, func() {
		_ = l.Close()
		synctest.Wait()
		for _, c := range ends {
			_ = c.Close()
		}
		all.Wait()
	})
}

// answer serves requests on addr by writing raw bytes; it is told the number
// of the request on its connection, from 1. An answer that ends with "close"
// is the last, without that word.
func (w *world) answer(addr string, f func(n int, r *http.Request) string) {
	w.Helper()
	var mu sync.Mutex // one request at a time, whatever connection it comes on
	w.listen(addr, func(c net.Conn) {
		speak(c, func(n int, r *http.Request) string {
			mu.Lock()
			defer mu.Unlock()
			return f(n, r)
		})
	})
}

func speak(c net.Conn, f func(n int, r *http.Request) string) {
	n := 0
	bodies(func(r *http.Request, _ []byte) string { n++; return f(n, r) })(c)
}

// bodies serves a connection with an answer to each request and its body.
func bodies(f func(r *http.Request, body []byte) string) func(net.Conn) {
	return func(c net.Conn) {
		in := bufio.NewReader(c)
		for {
			r, err := http.ReadRequest(in)
			if err != nil {
				return
			}
			body, err := io.ReadAll(r.Body)
			if err != nil {
				return
			}
			out, last := strings.CutSuffix(f(r, body), "close")
			if _, err := io.WriteString(c, out); err != nil || last {
				return
			}
		}
	}
}

// always answers each request the same.
func always(s string) func(int, *http.Request) string {
	return func(int, *http.Request) string { return s }
}

const good = "HTTP/1.1 200 OK\r\nContent-Type: application/json;charset=UTF-8\r\nContent-Length: 48\r\n\r\n" +
	`[{"channel":"/a","id":"1","successful":true   }]`
