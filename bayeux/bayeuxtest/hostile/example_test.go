package hostile_test

import (
	"context"
	"fmt"
	"net"

	"github.com/turold/turold/bayeux/bayeuxtest"
	"github.com/turold/turold/bayeux/bayeuxtest/hostile"
	"github.com/turold/turold/client"
)

// The path passes WebSockets and cuts them all once. With acknowledgement, which is
// the default, no event is lost by it.
func ExampleListener_Cut() {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	path := hostile.Listen(listener, hostile.Fault{})
	server := bayeuxtest.Serve(path, "/cometd", bayeuxtest.New(nil), nil)
	defer server.Close()

	ctx := context.Background()
	c, err := client.Dial(ctx, server.URL, nil)
	if err != nil {
		panic(err)
	}
	defer c.Close()
	numbers, err := c.Subscribe(ctx, "/numbers", nil)
	if err != nil {
		panic(err)
	}
	for n := range 4 {
		if n == 2 {
			path.Cut()
		}
		if err := server.Publish("/numbers", n); err != nil {
			panic(err)
		}
	}
	for range 4 {
		item, err := numbers.Next(ctx)
		if err != nil {
			panic(err)
		}
		m, ok := item.Value()
		fmt.Println(string(m.Data), ok)
	}
	// Output:
	// 0 true
	// 1 true
	// 2 true
	// 3 true
}

// A Fault is of what the path does to WebSockets, or to HTTP: here it swallows
// whatever a client sends on a WebSocket.
func ExampleListen() {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	server := bayeuxtest.Serve(hostile.Listen(listener, hostile.Fault{MuteUp: true}), "/cometd", bayeuxtest.New(nil), nil)
	defer server.Close()

	ctx := context.Background()
	c, err := client.Dial(ctx, server.URL, nil)
	if err != nil {
		panic(err)
	}
	defer c.Close()
	fmt.Println(c.Ready(ctx), c.Status().Transport)
	// Output:
	// <nil> long-polling
}
