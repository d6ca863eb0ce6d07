package client_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/turold/turold/bayeux"
	"github.com/turold/turold/bayeux/bayeuxtest"
	"github.com/turold/turold/client"
	"github.com/turold/turold/fallback"
)

// One Dialer serves all sessions of a process: they share connections, and what
// they learn of the network.
func ExampleDialer() {
	server, err := bayeuxtest.Start(nil)
	if err != nil {
		panic(err)
	}
	defer server.Close()
	dialer := &client.Dialer{Silence: 10 * time.Second, Policy: fallback.Policy{Memory: new(fallback.Memory)}}
	defer dialer.Close() // closes every session

	ctx := context.Background()
	for range 100 {
		if _, err := dialer.Dial(ctx, server.URL, nil); err != nil {
			panic(err)
		}
	}
	fmt.Println(dialer.Stats().Sessions)
	// Output:
	// 100
}

// A service that is told to stop drains: what its queues hold is handled, what it
// published is settled, and each session says goodbye.
func ExampleDialer_Drain() {
	server, err := bayeuxtest.Start(nil)
	if err != nil {
		panic(err)
	}
	defer server.Close()
	ctx := context.Background()
	dialer := new(client.Dialer)
	c, err := dialer.Dial(ctx, server.URL, nil)
	if err != nil {
		panic(err)
	}
	jobs, err := c.Subscribe(ctx, "/jobs", nil)
	if err != nil {
		panic(err)
	}
	if err := c.Publish(ctx, "/jobs", "paint the door"); err != nil {
		panic(err)
	}

	begun, ended := make(chan struct{}), make(chan error, 1)
	go func() { // the consumer does not close the session: Drain does
		for item, err := range jobs.Messages(ctx) {
			if err != nil {
				ended <- err
				return
			}
			if m, ok := item.Value(); ok {
				close(begun)
				time.Sleep(10 * time.Millisecond) // the work
				fmt.Println("done:", string(m.Data))
			}
		}
	}()
	<-begun
	bounded, cancel := context.WithTimeout(ctx, 10*time.Second) // as long as the supervisor allows
	defer cancel()
	fmt.Println(dialer.Drain(bounded), errors.Is(<-ended, client.ErrDraining))
	// Output:
	// done: "paint the door"
	// <nil> true
}

// The Credentials hook signs in, and is called again when the server refuses what
// it returned, or before that expires.
func ExampleOptions_credentials() {
	tokens := []string{"Bearer old", "Bearer new"}
	server, err := bayeuxtest.Start(&bayeuxtest.Options{Request: func(w http.ResponseWriter, r *http.Request) bool {
		if r.Header.Get("Authorization") == tokens[1] {
			return false
		}
		w.WriteHeader(http.StatusUnauthorized)
		return true
	}})
	if err != nil {
		panic(err)
	}
	defer server.Close()

	asked := 0
	c, err := client.Dial(context.Background(), server.URL, &client.Options{
		Credentials: func(_ context.Context, refused *client.Credential) (*client.Credential, error) {
			fmt.Println("sign in; refused before:", refused != nil)
			token := tokens[asked]
			asked++
			return &client.Credential{Header: http.Header{"Authorization": {token}}, Expires: time.Now().Add(time.Hour)}, nil
		},
	})
	if err != nil {
		panic(err)
	}
	defer c.Close()
	// Output:
	// sign in; refused before: false
	// sign in; refused before: true
}

// A Trace has functions for single events. They run on the transport's goroutines,
// so they count or put into a channel, and return.
func ExampleTrace() {
	server, err := bayeuxtest.Start(nil)
	if err != nil {
		panic(err)
	}
	defer server.Close()
	var published, bytes atomic.Int64
	dialer := &client.Dialer{Trace: &client.Trace{
		Exchange: func(_ *client.Client, x client.Exchange) {
			if !x.Channel.Meta() {
				published.Add(1)
				bytes.Add(int64(x.Sent))
			}
		},
	}}
	defer dialer.Close()
	ctx := context.Background()
	c, err := dialer.Dial(ctx, server.URL, nil)
	if err != nil {
		panic(err)
	}
	for range 3 {
		if err := c.Publish(ctx, "/news", "hello"); err != nil {
			panic(err)
		}
	}
	fmt.Println(published.Load(), bytes.Load() > 0)
	// Output:
	// 3 true
}

// What was learned of the network may outlast the process.
func ExampleDialer_memory() {
	saved := []byte("{}") // what the process before has written to a file
	memory := new(fallback.Memory)
	if err := json.Unmarshal(saved, memory); err != nil {
		fmt.Println("begin with nothing:", err)
	}
	dialer := &client.Dialer{Policy: fallback.Policy{Memory: memory}}
	dialer.Close()

	saved, err := json.Marshal(memory)
	fmt.Println(json.Valid(saved), err)
	// Output:
	// true <nil>
}

// A stamp is an Extension that adds to what leaves.
type stamp struct{}

func (stamp) Outgoing(m *bayeux.Message) {
	if m.Channel == "/news" {
		m.Ext = json.RawMessage(`{"from":"the newsroom"}`)
	}
}

func (stamp) Incoming(*bayeux.Message) {}

// An Extension sees each message that leaves and each that arrives. It runs on the
// transport's goroutines, and must not block.
func ExampleExtension() {
	server, err := bayeuxtest.Start(&bayeuxtest.Options{Take: func(ms []bayeux.Message) {
		for _, m := range ms {
			if m.Channel == "/news" {
				fmt.Println(string(m.Ext))
			}
		}
	}})
	if err != nil {
		panic(err)
	}
	defer server.Close()
	ctx := context.Background()
	c, err := client.Dial(ctx, server.URL, &client.Options{Extensions: []client.Extension{stamp{}}})
	if err != nil {
		panic(err)
	}
	defer c.Close()
	if err := c.Publish(ctx, "/news", "hello"); err != nil {
		panic(err)
	}
	// Output:
	// {"from":"the newsroom"}
}
