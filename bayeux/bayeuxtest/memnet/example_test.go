package memnet_test

import (
	"context"
	"fmt"
	"io"
	"net/http"

	"github.com/turold/turold/bayeux/bayeuxtest"
	"github.com/turold/turold/bayeux/bayeuxtest/memnet"
	"github.com/turold/turold/client"
)

// A client and its server in one process, without a port. All connections break
// on the way, and the client goes on with others.
func Example() {
	network := memnet.New()
	listener, err := network.Listen("server:80")
	if err != nil {
		panic(err)
	}
	server := bayeuxtest.Serve(listener, "/cometd", bayeuxtest.New(nil), nil)
	defer server.Close()

	dialer := &client.Dialer{DialContext: network.DialContext, Proxy: http.ProxyURL(nil)}
	defer dialer.Close()
	ctx := context.Background()
	c, err := dialer.Dial(ctx, "http://server:80/cometd", nil)
	if err != nil {
		panic(err)
	}
	defer c.Close()
	news, err := c.Subscribe(ctx, "/news", nil)
	if err != nil {
		panic(err)
	}

	fmt.Println("some broke:", network.Reset("server:80") > 0)
	if err := server.Publish("/news", "still here"); err != nil {
		panic(err)
	}
	item, err := news.Next(ctx)
	m, _ := item.Value()
	fmt.Println(string(m.Data), err)
	// Output:
	// some broke: true
	// "still here" <nil>
}

// The connection is cut at the sixth byte to the server: five arrive.
func ExampleNetwork_CutAt() {
	network := memnet.New()
	network.CutAt("server:80", true, 5, memnet.FIN)
	listener, err := network.Listen("server:80")
	if err != nil {
		panic(err)
	}
	defer listener.Close()

	conn, err := network.DialContext(context.Background(), "tcp", "server:80")
	if err != nil {
		panic(err)
	}
	defer conn.Close()
	server, err := listener.Accept()
	if err != nil {
		panic(err)
	}
	defer server.Close()

	_, err = conn.Write([]byte("hello, world"))
	fmt.Println("write:", err)
	got, err := io.ReadAll(server)
	fmt.Printf("read: %s %v\n", got, err)
	// Output:
	// write: <nil>
	// read: hello <nil>
}
