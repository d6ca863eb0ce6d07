package bayeuxtest_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http/httptest"

	"github.com/turold/turold/bayeux"
	"github.com/turold/turold/bayeux/bayeuxtest"
	"github.com/turold/turold/client"
	"github.com/turold/turold/fallback"
)

func Example() {
	server, err := bayeuxtest.Start(nil)
	if err != nil {
		panic(err)
	}
	defer server.Close()
	server.Handle("/service/greet", func(_ *bayeuxtest.Session, m bayeux.Message) (any, error) {
		if string(m.Data) == `"nobody"` {
			return nil, errors.New("there is nobody")
		}
		return "hello", nil
	})

	ctx := context.Background()
	c, err := client.Dial(ctx, server.URL, nil)
	if err != nil {
		panic(err)
	}
	defer c.Close()
	reply, err := c.Call(ctx, "greet", "you")
	fmt.Println(string(reply.Data), err)
	_, err = c.Call(ctx, "greet", "nobody")
	fmt.Println(err)
	// Output:
	// "hello" <nil>
	// client: call /service/greet: failed: 500::there is nobody
}

// Another client of the server puts into its message what no client should: the
// session that gets it must not take it for anything but an event.
func ExampleServer_PublishRaw() {
	server, err := bayeuxtest.Start(nil)
	if err != nil {
		panic(err)
	}
	defer server.Close()
	ctx := context.Background()
	c, err := client.Dial(ctx, server.URL, nil)
	if err != nil {
		panic(err)
	}
	defer c.Close()
	sub, err := c.Subscribe(ctx, "/news", nil)
	if err != nil {
		panic(err)
	}
	if err := server.PublishRaw(`{"channel":"/news","data":"hello","mine":1,"advice":{"reconnect":"none"}}`); err != nil {
		panic(err)
	}
	item, err := sub.Next(ctx)
	m, ok := item.Value()
	fmt.Println(string(m.Data), ok, err)
	// Output:
	// "hello" true <nil>
}

// New makes a handler, which any HTTP server can serve: with TLS, behind other
// handlers, or with HTTP/2.
func ExampleNew() {
	bayeux := bayeuxtest.New(&bayeuxtest.Options{Profile: bayeuxtest.Faye})
	server := httptest.NewTLSServer(bayeux)
	defer server.Close()
	defer bayeux.Close()

	roots := x509.NewCertPool()
	roots.AddCert(server.Certificate())
	dialer := &client.Dialer{TLS: &tls.Config{RootCAs: roots}, Policy: fallback.Policy{Mode: fallback.WebSocketOnly}}
	defer dialer.Close()
	ctx := context.Background()
	c, err := dialer.Dial(ctx, server.URL, nil) // https: the WebSocket is at wss
	if err != nil {
		panic(err)
	}
	fmt.Println(c.Ready(ctx), c.Status().Transport)
	// Output:
	// <nil> websocket
}

// A test forgets a session to see what a program does about the gap.
func ExampleServer_Forget() {
	server, err := bayeuxtest.Start(nil)
	if err != nil {
		panic(err)
	}
	defer server.Close()
	ctx := context.Background()
	c, err := client.Dial(ctx, server.URL, nil)
	if err != nil {
		panic(err)
	}
	defer c.Close()
	news, err := c.Subscribe(ctx, "/news", nil)
	if err != nil {
		panic(err)
	}
	server.Forget("")
	item, err := news.Next(ctx)
	fmt.Println(item.Gap(), err)
	// Output:
	// client: gap on /news: new session <nil>
}
