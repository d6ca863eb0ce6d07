package main

import (
	"context"
	"encoding/json"
	"net"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/turold/turold/bayeux/bayeuxtest"
	"github.com/turold/turold/client"
	"github.com/turold/turold/fallback"
	"github.com/turold/turold/transport"
)

// patient is how long anything may take before it counts as stuck.
const patient = 30 * time.Second

// A door is a listener on the loopback whose WebSockets can be reset.
type door struct {
	net.Listener
	mu      sync.Mutex
	conns   map[string]*net.TCPConn // by the client's address
	sockets map[string]*net.TCPConn // those that are WebSockets
}

// open listens and serves.
func open(t *testing.T, o bayeuxtest.Options) (*door, *bayeuxtest.Running) {
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	d := &door{Listener: l, conns: map[string]*net.TCPConn{}, sockets: map[string]*net.TCPConn{}}
	look := o.Request
	o.Request = func(w http.ResponseWriter, r *http.Request) bool {
		if r.Header.Get("Upgrade") != "" {
			d.mu.Lock()
			d.sockets[r.RemoteAddr] = d.conns[r.RemoteAddr]
			d.mu.Unlock()
		}
		return look != nil && look(w, r)
	}
	return d, bayeuxtest.Serve(d, "/cometd", bayeuxtest.New(&o), nil)
}

// Accept remembers the connection.
func (d *door) Accept() (net.Conn, error) {
	c, err := d.Listener.Accept()
	if err == nil {
		d.mu.Lock()
		defer d.mu.Unlock()
		d.conns[c.RemoteAddr().String()] = c.(*net.TCPConn)
	}
	return c, err
}

// reset resets every WebSocket, or every connection, and returns how many.
func (d *door) reset(all bool) int {
	d.mu.Lock()
	defer d.mu.Unlock()
	which := d.sockets
	if all {
		which = d.conns
	}
	n := 0
	for _, c := range which {
		_ = c.SetLinger(0)
		if c.Close() == nil {
			n++
		}
	}
	d.sockets = map[string]*net.TCPConn{}
	d.conns = map[string]*net.TCPConn{}
	return n
}

// known is a Memory of which everything that m knows is known, and which learns
// for itself.
func known(t *testing.T, m *fallback.Memory) *fallback.Memory {
	text, err := json.Marshal(m)
	require.NoError(t, err)
	own := new(fallback.Memory)
	require.NoError(t, json.Unmarshal(text, own))
	return own
}

// proven is a Memory in which WebSockets are known to work there.
func proven(t *testing.T, url string) *fallback.Memory {
	d := &client.Dialer{Policy: fallback.Policy{Memory: new(fallback.Memory)}}
	defer d.Close()
	c, err := d.Dial(t.Context(), url, nil)
	require.NoError(t, err)
	until(t, func() bool { return c.Status().Transport == transport.WebSocket })
	return known(t, d.Policy.Memory)
}

// until waits for something.
func until(t *testing.T, ok func() bool) {
	for start := time.Now(); !ok(); time.Sleep(time.Millisecond) {
		require.Less(t, time.Since(start), patient)
	}
}

// within is a context with the patience of this package.
func within(t *testing.T) (context.Context, context.CancelFunc) {
	return context.WithTimeout(t.Context(), patient)
}
