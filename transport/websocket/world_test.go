package websocket

import (
	"crypto/tls"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	ws "github.com/gorilla/websocket"
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
	session *transport.SessionConfig
	h       *transporttest.Handler
	pipe    transport.Transport
	quit    chan struct{} // closed at the end: what hangs goes on
	stop    []func()
}

// inWorld runs f in a bubble with a world whose session goes to address.
func inWorld(t *testing.T, address string, f func(w *world)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		u, err := url.Parse(address)
		require.NoError(t, err)
		w := &world{T: t, net: memnet.New(), h: new(transporttest.Handler), quit: make(chan struct{})}
		w.network = &transport.SharedConfig{
			Proxy:       http.ProxyURL(nil),
			DialContext: w.net.DialContext,
		}
		w.session = transport.NewSessionConfig(w.network, &transport.Target{URL: u, Header: http.Header{"X-Token": {"secret"}}})
		w.session.Jar, _ = cookiejar.New(nil)
		defer w.close()
		f(w)
	})
}

// close closes the pipe, in whatever state the test has left it, and then the
// rest.
func (w *world) close() {
	if w.pipe != nil {
		start := time.Now()
		require.NoError(w, w.pipe.Close())
		require.LessOrEqual(w, time.Since(start), 100*time.Millisecond)
	}
	close(w.quit)
	for _, stop := range w.stop {
		stop()
	}
}

// listen hands each connection to addr to serve, and closes it after.
func (w *world) listen(addr string, serve func(net.Conn)) {
	w.Helper()
	l, err := w.net.Listen(addr)
	require.NoError(w, err)
	var all sync.WaitGroup
	all.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			all.Go(func() {
				defer c.Close()
				serve(c)
			})
		}
	})
	w.stop = append(w.stop, func() {
		_ = l.Close()
		w.net.Reset(addr)
		all.Wait()
	})
}

// handle serves HTTP on addr.
func (w *world) handle(addr string, secure *tls.Config, f http.HandlerFunc) {
	w.Helper()
	l, err := w.net.Listen(addr)
	require.NoError(w, err)
	if secure != nil {
		l = tls.NewListener(l, secure)
	}
	s := &http.Server{Handler: f}
	var all sync.WaitGroup
	all.Go(func() { _ = s.Serve(l) })
	w.stop = append(w.stop, func() {
		_ = s.Close()
		w.net.Reset(addr)
		all.Wait()
	})
}

// sockets upgrades and hands each socket to serve, and closes it after.
func (w *world) sockets(addr string, secure *tls.Config, serve func(*ws.Conn)) {
	w.handle(addr, secure, func(rw http.ResponseWriter, r *http.Request) {
		c, err := new(ws.Upgrader).Upgrade(rw, r, nil)
		if err != nil {
			return
		}
		defer c.NetConn().Close()
		serve(c)
	})
}

// silent reads and says nothing until the world ends.
func (w *world) silent(c *ws.Conn) {
	for {
		if _, _, err := c.ReadMessage(); err != nil {
			return
		}
	}
}

// send gives the pipe a batch of one message with n bytes of data.
func (w *world) send(n int) {
	data := append([]byte{'"'}, make([]byte, n+1)...)
	for i := range n {
		data[i+1] = 'x'
	}
	data[n+1] = '"'
	w.h.Queue(transport.LaneCommands, bayeux.Message{Channel: "/a", ID: "1", Data: data})
	if w.pipe == nil {
		w.pipe = transporttest.Check(Open)(w.session, w.h)
	}
	w.pipe.Wake(transport.LaneCommands)
}

// ended waits for the end of the first leg.
func (w *world) ended() *transport.Error {
	w.Helper()
	rec, ok := w.h.Await(5*time.Minute, func(r transporttest.Record) bool { return len(r.Ends) > 0 })
	require.True(w, ok, "the leg does not end")
	err := rec.Ends[0].Err
	if err != nil {
		require.NotContains(w, err.Error(), "secret")
	}
	return err
}

// fails sends a batch and returns how the leg ended.
func (w *world) fails(op string) *transport.Error {
	w.Helper()
	w.send(10)
	err := w.ended()
	require.NotNil(w, err)
	require.Equal(w, op, err.Op, "%v", err)
	return err
}
