package main

import (
	"context"
	"net"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/turold/turold/bayeux"
	"github.com/turold/turold/bayeux/bayeuxtest"
	"github.com/turold/turold/bayeux/bayeuxtest/memnet"
	"github.com/turold/turold/client"
	"github.com/turold/turold/fallback"
)

// The addresses of a farm's server: for HTTP, and for WebSockets.
const (
	atHTTP   = "server:80"
	atSocket = "socket:80"
	oneWay   = 20 * time.Millisecond
)

// A farm is a server at two addresses of a network in memory, and its sessions.
// It is used inside a bubble.
type farm struct {
	silence time.Duration // of each Dialer; set before the first member

	*testing.T
	net     *memnet.Network
	server  *bayeuxtest.Running
	sockets *http.Server

	lock   chan struct{} // of what follows; a mutex would hold virtual time still
	shakes []time.Time   // when the server was asked for handshakes
	all    []*member
}

// A member is one session of a farm.
type member struct {
	f      *farm
	dialer *client.Dialer
	c      *client.Client
	tries  map[string][]time.Time // to dial, in vain, by address; guarded by the farm's lock
}

func newFarm(t *testing.T) *farm {
	f := &farm{T: t, net: memnet.New(), lock: make(chan struct{}, 1)}
	f.net.SetLatency(oneWay)
	f.serve()
	return f
}

// serve starts a server that knows no session.
func (f *farm) serve() {
	l, err := f.net.Listen(atHTTP)
	require.NoError(f, err)
	f.server = bayeuxtest.Serve(l, "/cometd", bayeuxtest.New(&bayeuxtest.Options{Authorize: f.asked}), nil)
	l, err = f.net.Listen(atSocket)
	require.NoError(f, err)
	f.sockets = &http.Server{Handler: f.server.Server, ReadHeaderTimeout: time.Minute}
	go func() { _ = f.sockets.Serve(l) }()
}

// stop ends the server and every connection to it.
func (f *farm) stop() {
	require.NoError(f, f.sockets.Close())
	require.NoError(f, f.server.Close())
}

func (f *farm) do(what func()) {
	f.lock <- struct{}{}
	defer func() { <-f.lock }()
	what()
}

// asked grants everything, and counts handshakes.
func (f *farm) asked(_ *http.Request, m bayeux.Message) string {
	if m.Channel == bayeux.MetaHandshake {
		f.do(func() { f.shakes = append(f.shakes, time.Now()) })
	}
	return ""
}

// member begins a session with a Dialer of its own.
func (f *farm) member(mode fallback.Mode, o client.Options, trace *client.Trace) *member {
	m := &member{f: f, tries: map[string][]time.Time{}}
	m.dialer = &client.Dialer{DialContext: m.dial, Proxy: http.ProxyURL(nil), Policy: fallback.Policy{Mode: mode}, Trace: trace, Silence: f.silence}
	o.WebSocketURL = "ws://" + atSocket + "/cometd"
	var err error
	m.c, err = m.dialer.Dial(f.Context(), "http://"+atHTTP+"/cometd", &o)
	require.NoError(f, err)
	f.do(func() { f.all = append(f.all, m) })
	return m
}

func (m *member) dial(ctx context.Context, network, addr string) (net.Conn, error) {
	at := time.Now()
	c, err := m.f.net.DialContext(ctx, network, addr)
	if err != nil && ctx.Err() == nil {
		m.f.do(func() { m.tries[addr] = append(m.tries[addr], at) })
	}
	return c, err
}

// end closes everything.
func (f *farm) end() {
	var all sync.WaitGroup
	for _, m := range f.all {
		all.Go(func() { _ = m.dialer.Close() })
	}
	all.Wait()
	f.stop()
}
