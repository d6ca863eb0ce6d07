package hardening

import (
	"bytes"
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"net/url"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/turold/turold/bayeux/bayeuxtest"
	"github.com/turold/turold/bayeux/bayeuxtest/memnet"
	"github.com/turold/turold/client"
	"github.com/turold/turold/fallback"
	"github.com/turold/turold/internal/testutil/testnet"
)

// modes are those in which one pipe carries the session, and those in which
// either may: what holds for the one must hold for the other.
var modes = []fallback.Mode{fallback.WebSocketOnly, fallback.LongPollingOnly, fallback.Auto, fallback.WebSocketFirst}

// A stage is a network in memory on which everything that is dialled, and
// everything that is written there, is kept.
type stage struct {
	*testing.T
	net    *memnet.Network
	dialer *client.Dialer
	server *bayeuxtest.Server
	stop   []func()
	wrong  atomic.Bool // a server with two certificates shows the wrong one

	addresses []string // listened on
	mu        sync.Mutex
	dialled   []string
	written   map[string]*bytes.Buffer // by address
}

// onStage runs f in a bubble.
func onStage(t *testing.T, mode fallback.Mode, o *bayeuxtest.Options, f func(s *stage)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		s := &stage{T: t, net: memnet.New(), server: bayeuxtest.New(o), written: map[string]*bytes.Buffer{}}
		s.dialer = &client.Dialer{Policy: fallback.Policy{Mode: mode}, DialContext: s.dial, Proxy: http.ProxyURL(nil)}
		defer s.close()
		f(s)
	})
}

// close ends the client first, in whatever state the test has left it.
func (s *stage) close() {
	s.dialer.Close()
	_ = s.server.Close()
	for _, stop := range slices.Backward(s.stop) {
		stop()
	}
	synctest.Wait()
}

// dial is the Dialer's DialContext.
func (s *stage) dial(ctx context.Context, network, addr string) (net.Conn, error) {
	s.mu.Lock()
	s.dialled = append(s.dialled, addr)
	s.mu.Unlock()
	c, err := s.net.DialContext(ctx, network, addr)
	if err != nil {
		return nil, err
	}
	return &recorded{c, s, addr}, nil
}

// A recorded connection tells the stage what the client writes.
type recorded struct {
	net.Conn
	s    *stage
	addr string
}

func (r *recorded) Write(p []byte) (int, error) {
	r.s.mu.Lock()
	b := r.s.written[r.addr]
	if b == nil {
		b = new(bytes.Buffer)
		r.s.written[r.addr] = b
	}
	b.Write(p)
	r.s.mu.Unlock()
	return r.Conn.Write(p)
}

// wrote is all that the client has written to an address.
func (s *stage) wrote(addr string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if b := s.written[addr]; b != nil {
		return b.String()
	}
	return ""
}

// onlyDialled requires that nothing else was dialled, and something was.
func (s *stage) onlyDialled(allowed ...string) {
	s.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	require.NotEmpty(s, s.dialled)
	for _, addr := range s.dialled {
		require.Contains(s, allowed, addr)
	}
}

// listen has every connection to an address served by f, which closes it.
func (s *stage) listen(addr string, f func(net.Conn)) {
	l, err := s.net.Listen(addr)
	require.NoError(s, err)
	s.addresses = append(s.addresses, addr)
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				f(c)
			}()
		}
	}()
	s.stop = append(s.stop, func() { _ = l.Close(); s.net.Reset(addr) })
}

// serve has HTTP at an address answered by h, with TLS by the settings of the
// moment unless secure is nil.
func (s *stage) serve(addr string, secure func() *tls.Config, h http.Handler) {
	handed := make(chan net.Conn)
	done := make(chan struct{})
	s.listen(addr, func(c net.Conn) {
		if secure != nil {
			t := tls.Server(c, secure())
			if t.Handshake() != nil {
				return
			}
			c = t
		}
		served := &handedOver{Conn: c, closed: make(chan struct{})}
		select {
		case handed <- served:
			<-served.closed
		case <-done:
		}
	})
	srv := &http.Server{Handler: h}
	go func() { _ = srv.Serve(handing{handed, done, addr}) }()
	s.stop = append(s.stop, func() { close(done); s.net.Reset(addr); _ = srv.Close() })
}

// A handedOver connection says when it was closed.
type handedOver struct {
	net.Conn
	once   sync.Once
	closed chan struct{}
}

func (h *handedOver) Close() error {
	h.once.Do(func() { close(h.closed) })
	return h.Conn.Close()
}

// handing is a listener that is given its connections.
type handing struct {
	conns <-chan net.Conn
	done  <-chan struct{}
	addr  string
}

func (l handing) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.done:
		return nil, net.ErrClosed
	}
}

func (l handing) Close() error   { return nil }
func (l handing) Addr() net.Addr { return memnet.Addr(l.addr) }

// proxy is one at an address that opens tunnels, and the Dialer goes by it.
// Secure, if there is any, is its own TLS; what takes a connection first, does
// with it what it wants if it returns true.
func (s *stage) proxy(address string, secure *tls.Config, takes func(net.Conn) bool) {
	u, err := url.Parse(address)
	require.NoError(s, err)
	s.dialer.Proxy = http.ProxyURL(u)
	s.listen(u.Host, func(c net.Conn) {
		if secure != nil {
			c = tls.Server(c, secure)
		}
		if takes == nil || !takes(c) {
			testnet.Tunnel(s.net.DialContext, "HTTP/1.1 200 Connected\r\n\r\n", new(http.Request))(c)
		}
	})
}

// each calls f with every address that is listened on.
func (s *stage) each(f func(addr string)) {
	for _, addr := range s.addresses {
		f(addr)
	}
}
