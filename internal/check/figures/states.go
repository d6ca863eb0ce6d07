package main

import (
	"context"
	"math/rand/v2"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/turold/turold/bayeux"
	"github.com/turold/turold/bayeux/bayeuxtest"
	"github.com/turold/turold/client"
	"github.com/turold/turold/fallback"
	"github.com/turold/turold/transport"
)

// A state is what a session is in when it is closed.
type state struct {
	name  string
	serve func(w *scene) bayeuxtest.Options // nil: a server without faults
	begin func(w *scene) (shut func())      // brings one session into it
	ready func(w *scene, n int)             // waits until all n are in it; nil: they are
}

// A scene is what sessions are in a state with.
type scene struct {
	*testing.T
	server *bayeuxtest.Running
	door   *door
	mute   net.Listener  // accepts and says nothing
	gate   chan struct{} // closed when what is stuck may go on
	stuck  atomic.Int64  // how many are
	wg     sync.WaitGroup
}

func newScene(t *testing.T, s *state) *scene {
	w := &scene{T: t, gate: make(chan struct{})}
	var o bayeuxtest.Options
	if s.serve != nil {
		o = s.serve(w)
	}
	w.door, w.server = open(t, o)
	var err error
	w.mute, err = (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	w.wg.Go(w.accept)
	return w
}

func (w *scene) accept() {
	for {
		c, err := w.mute.Accept()
		if err != nil {
			return
		}
		w.stuck.Add(1)
		w.wg.Go(func() { <-w.gate; _ = c.Close() })
	}
}

func (w *scene) end() {
	close(w.gate)
	_ = w.mute.Close()
	require.NoError(w, w.server.Close())
	w.wg.Wait()
}

// block is for hooks of the server.
func (w *scene) block() {
	w.stuck.Add(1)
	<-w.gate
}

// all waits until so many are stuck.
func all(w *scene, n int) { until(w.T, func() bool { return w.stuck.Load() >= int64(n) }) }

// aWhile is for what nothing tells of.
func aWhile(*scene, int) { time.Sleep(20 * time.Millisecond) }

// dialing dials and does not wait: what is measured closes the Dialer, and ends
// when Dial has returned.
func (w *scene) dialing(d *client.Dialer, url string, o *client.Options) (shut func()) {
	returned := make(chan error, 1)
	go func() {
		_, err := d.Dial(context.Background(), url, o)
		returned <- err
	}()
	return func() {
		d.Close()
		require.Error(w, <-returned)
	}
}

// session dials, and is closed with its Dialer.
func (w *scene) session(mode fallback.Mode, o *client.Options) (c *client.Client, shut func()) {
	d := &client.Dialer{Policy: fallback.Policy{Mode: mode}, DialContext: small}
	ctx, cancel := within(w.T)
	defer cancel()
	c, err := d.Dial(ctx, w.server.URL, o)
	require.NoError(w, err)
	require.NoError(w, c.Ready(ctx))
	return c, func() {
		_ = c.Close()
		d.Close()
	}
}

// small dials connections that hold little of what is written to them.
func small(ctx context.Context, network, addr string) (net.Conn, error) {
	c, err := new(net.Dialer).DialContext(ctx, network, addr)
	if err == nil {
		_ = c.(*net.TCPConn).SetWriteBuffer(4 << 10)
	}
	return c, err
}

// sends hands n publishes over.
func (w *scene) sends(c *client.Client, n, size int) {
	for range n {
		_, err := c.Send(w.Context(), client.Draft{Channel: "/up", Data: strings.Repeat("x", size)})
		require.NoError(w, err)
	}
}

// onPublish is a server that is stuck at the first publish of a session.
func onPublish(w *scene) bayeuxtest.Options {
	return bayeuxtest.Options{Take: func(ms []bayeux.Message) {
		if len(ms) > 0 && ms[0].Channel == "/up" {
			w.block()
		}
	}}
}

var states = []*state{
	{"dialing a host that is mute", nil, func(w *scene) func() {
		d := &client.Dialer{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			w.stuck.Add(1)
			<-ctx.Done()
			return nil, ctx.Err()
		}}
		return w.dialing(d, w.server.URL, nil)
	}, all},
	{"TLS handshake stalled", nil, func(w *scene) func() {
		return w.dialing(new(client.Dialer), "https://"+w.mute.Addr().String()+"/cometd", nil)
	}, all},
	{"handshake unanswered", func(w *scene) bayeuxtest.Options {
		return bayeuxtest.Options{Request: func(http.ResponseWriter, *http.Request) bool { w.block(); return false }}
	}, func(w *scene) func() {
		return w.dialing(new(client.Dialer), w.server.URL, nil)
	}, all},
	{"the hook for signing in is stuck", nil, func(w *scene) func() {
		return w.dialing(new(client.Dialer), w.server.URL, &client.Options{Credentials: func(context.Context, *client.Credential) (*client.Credential, error) {
			w.block()
			return nil, context.Canceled
		}})
	}, all},
	{"probing and moving", func(w *scene) bayeuxtest.Options {
		var n atomic.Int64
		return bayeuxtest.Options{Request: func(_ http.ResponseWriter, r *http.Request) bool {
			if r.Header.Get("Upgrade") != "" && n.Add(1)%2 == 0 {
				w.block()
			}
			return false
		}}
	}, func(w *scene) func() {
		_, shut := w.session(fallback.Auto, nil)
		return shut
	}, func(*scene, int) { time.Sleep(rand.N(500 * time.Millisecond)) }},
	{"falling back", func(w *scene) bayeuxtest.Options {
		return bayeuxtest.Options{Request: func(_ http.ResponseWriter, r *http.Request) bool {
			if r.Header.Get("Upgrade") != "" {
				w.block()
			}
			return false
		}}
	}, func(w *scene) func() {
		d := &client.Dialer{Policy: fallback.Policy{Mode: fallback.WebSocketFirst, Patience: time.Millisecond + rand.N(40*time.Millisecond)}}
		done := make(chan struct{})
		go func() {
			defer close(done)
			_, _ = d.Dial(context.Background(), w.server.URL, nil)
		}()
		return func() { d.Close(); <-done }
	}, aWhile},
	{"on a WebSocket", nil, func(w *scene) func() {
		c, shut := w.session(fallback.WebSocketOnly, nil)
		require.Equal(w, transport.WebSocket, c.Status().Transport)
		return shut
	}, aWhile},
	{"on long-polling, a poll is held", nil, func(w *scene) func() {
		_, shut := w.session(fallback.LongPollingOnly, nil)
		return shut
	}, aWhile},
	{"waiting after a failure", nil, func(w *scene) func() {
		c, shut := w.session(fallback.Auto, &client.Options{Backoff: func(int, time.Duration) time.Duration { return time.Minute }})
		return func() {
			require.Equal(w, client.StateWaiting, c.Status().State)
			shut()
		}
	}, func(w *scene, n int) {
		require.NoError(w, w.server.Close())
		time.Sleep(100 * time.Millisecond)
	}},
	{"the server does not read, WebSocket", onPublish, func(w *scene) func() {
		c, shut := w.session(fallback.WebSocketOnly, nil)
		w.sends(c, 250, 30<<10)
		return shut
	}, all},
	{"the server does not read, long-polling", func(w *scene) bayeuxtest.Options {
		return bayeuxtest.Options{Request: func(_ http.ResponseWriter, r *http.Request) bool {
			if r.ContentLength > 100<<10 {
				w.block()
			}
			return false
		}}
	}, func(w *scene) func() {
		c, shut := w.session(fallback.LongPollingOnly, nil)
		w.sends(c, 250, 30<<10)
		return shut
	}, all},
	{"publishes unsettled, WebSocket", onPublish, func(w *scene) func() {
		c, shut := w.session(fallback.WebSocketOnly, nil)
		w.sends(c, 100, 10)
		return shut
	}, all},
	{"publishes unsettled, long-polling", onPublish, func(w *scene) func() {
		c, shut := w.session(fallback.LongPollingOnly, nil)
		w.sends(c, 100, 10)
		return shut
	}, all},
	{"nobody reads what comes", nil, func(w *scene) func() {
		c, shut := w.session(fallback.Auto, nil)
		ctx, cancel := within(w.T)
		defer cancel()
		_, err := c.Subscribe(ctx, "/feed", &client.SubscribeOptions{Queue: client.Bound{Messages: 10}})
		require.NoError(w, err)
		return shut
	}, func(w *scene, _ int) {
		for n := range 100 {
			_ = w.server.Publish("/feed", n)
		}
	}},
}
