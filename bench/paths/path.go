package main

import (
	"context"
	"io"
	"net"
	"sync"
	"time"

	"github.com/turold/turold/bayeux/bayeuxtest/hostile"
	"github.com/turold/turold/interop/servers"
)

const (
	oneWay    = 50 * time.Millisecond
	rate      = 20               // events a second
	patience  = 30 * time.Second // for the first event
	midlife   = 100              // frames, after which a WebSocket that works goes mute: some five seconds
	afterward = 75 * time.Second // in which a client may come back
)

// A trouble is what the path does.
type trouble struct {
	name    string
	fault   hostile.Fault
	midlife bool // it begins when the session works
}

var troubles = []trouble{
	{name: "nothing is wrong"},
	{name: "the upgrade is refused (403)", fault: hostile.Fault{Upgrade: hostile.Forbidden}},
	{name: "the upgrade is never answered", fault: hostile.Fault{Hang: true}},
	{name: "the upgrade succeeds, and nothing passes then", fault: hostile.Fault{MuteUp: true, MuteDown: true}},
	{name: "a WebSocket that works is reset", midlife: true},
	{name: "a WebSocket that works goes silent", fault: hostile.Fault{MuteDown: true, After: midlife}, midlife: true},
}

// A path is a way to a server, with latency and a trouble.
type path struct {
	*hostile.Listener
	slow *servers.Relay
	all  sync.WaitGroup
}

// newPath begins to pass connections on.
func newPath(ctx context.Context, server *servers.Server, fault hostile.Fault) (*path, error) {
	slow, err := servers.NewRelay(server.Addr(), oneWay)
	if err != nil {
		return nil, err
	}
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		slow.Close()
		return nil, err
	}
	p := &path{Listener: hostile.Listen(listener, fault), slow: slow}
	p.all.Go(func() { p.serve(ctx) })
	return p, nil
}

func (p *path) serve(ctx context.Context) {
	for {
		near, err := p.Accept()
		if err != nil {
			return
		}
		p.all.Go(func() { p.pass(ctx, near) })
	}
}

// pass copies one connection in both directions until either ends.
func (p *path) pass(ctx context.Context, near net.Conn) {
	far, err := new(net.Dialer).DialContext(ctx, "tcp", p.slow.Addr())
	if err != nil {
		_ = near.Close()
		return
	}
	var both sync.WaitGroup
	both.Go(func() {
		_, _ = io.Copy(far, near)
		_ = far.Close()
	})
	_, _ = io.Copy(near, far)
	_ = near.Close()
	_ = far.Close()
	both.Wait()
}

// close ends every connection.
func (p *path) close() {
	_ = p.Close()
	p.Cut()
	p.slow.Close()
	p.all.Wait()
}
