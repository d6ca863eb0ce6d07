package fallback_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"

	"github.com/turold/turold/bayeux/bayeuxtest"
	"github.com/turold/turold/bayeux/bayeuxtest/hostile"
	"github.com/turold/turold/client"
	"github.com/turold/turold/fallback"
)

// A Policy chooses the transports of a Dialer's sessions.
func ExamplePolicy() {
	server, err := bayeuxtest.Start(nil)
	if err != nil {
		panic(err)
	}
	defer server.Close()
	dialer := &client.Dialer{Policy: fallback.Policy{Mode: fallback.LongPollingOnly}}
	defer dialer.Close()
	ctx := context.Background()
	c, err := dialer.Dial(ctx, server.URL, nil)
	if err != nil {
		panic(err)
	}
	if err := c.Ready(ctx); err != nil {
		panic(err)
	}
	fmt.Println(c.Status().Transport)
	// Output:
	// long-polling
}

// A mode has a name, for flags and files.
func ExampleParseMode() {
	mode, err := fallback.ParseMode("websocket-first")
	fmt.Println(mode, mode == fallback.WebSocketFirst, err)
	// Output:
	// websocket-first true <nil>
}

// Where something on the way refuses WebSockets, Auto begins by long-polling as
// early as without them, and says why it stays there.
func ExampleDecision() {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	proxy := hostile.Listen(listener, hostile.Fault{Upgrade: hostile.Forbidden})
	server := bayeuxtest.Serve(proxy, "/cometd", bayeuxtest.New(nil), http.NotFoundHandler())
	defer server.Close()

	refused := make(chan fallback.Decision, 10)
	dialer := &client.Dialer{Trace: &client.Trace{Transport: func(_ *client.Client, d fallback.Decision) {
		if d.Reason == fallback.ReasonRefused {
			refused <- d
		}
	}}}
	defer dialer.Close()
	if _, err := dialer.Dial(context.Background(), server.URL, nil); err != nil {
		panic(err)
	}
	d := <-refused
	fmt.Println(d.Transport, d.Reason)
	// Output:
	// long-polling refused
}

// A Memory is shared by the sessions of a process, and may be kept for the next.
func ExampleMemory() {
	memory := new(fallback.Memory)
	saved, err := json.Marshal(memory) // to a file, whenever Memory.Changed is called
	if err != nil {
		panic(err)
	}

	next := new(fallback.Memory)
	fmt.Println(json.Unmarshal(saved, next)) // from the file, at the next start
	next.Forget()                            // after a change of networks
	// Output:
	// <nil>
}
