package main

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
)

// A way is how the gate treats WebSockets. HTTP always passes.
type way int

const (
	passes way = iota
	refuses
	swallows // it opens them, and nothing that is written into them arrives
)

// A gate is a reverse proxy.
type gate struct {
	url  string
	http *http.Server

	mu    sync.Mutex
	way   way
	conns map[net.Conn]struct{} // WebSockets
}

// set changes the way, and cuts the WebSockets that are open.
func (g *gate) set(w way) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if w != g.way {
		for c := range g.conns {
			_ = c.Close()
		}
		clear(g.conns)
	}
	g.way = w
}

// state learns of connections that became WebSockets.
func (g *gate) state(c net.Conn, s http.ConnState) {
	if s == http.StateHijacked {
		g.mu.Lock()
		defer g.mu.Unlock()
		g.conns[c] = struct{}{}
	}
}

func (g *gate) guard(proxy http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		g.mu.Lock()
		way := g.way
		g.mu.Unlock()
		switch upgrade := strings.EqualFold(r.Header.Get("Upgrade"), "websocket"); {
		case upgrade && way == refuses:
			http.Error(w, "no WebSockets here", http.StatusForbidden)
		case upgrade && way == swallows:
			proxy.ServeHTTP(&swallowing{ResponseWriter: w}, r)
		default:
			proxy.ServeHTTP(w, r)
		}
	})
}

func (g *gate) close() {
	_ = g.http.Close()
	g.set(passes + 10) // no way at all: what is open is cut
}

// A swallowing is a response whose connection, once it is a WebSocket's, loses
// what the client writes.
type swallowing struct{ http.ResponseWriter }

// Hijack takes the connection over, as a proxy does after the 101.
func (s *swallowing) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	c, rw, err := http.NewResponseController(s.ResponseWriter).Hijack()
	if err != nil {
		return nil, nil, err
	}
	return &mute{Conn: c}, rw, nil
}

// A mute is a connection from which nothing is ever read.
type mute struct{ net.Conn }

func (m *mute) Read(p []byte) (int, error) {
	_, err := io.Copy(io.Discard, m.Conn)
	if err == nil {
		err = io.EOF
	}
	return 0, err
}
