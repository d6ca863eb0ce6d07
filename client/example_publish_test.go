package client_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"

	"github.com/turold/turold/bayeux"
	"github.com/turold/turold/bayeux/bayeuxtest"
	"github.com/turold/turold/client"
)

// Publish returns nil only if the server said successful. Its errors are of five
// kinds: this client is over; the server refused; it may have the message; it does not
// have it; or the message cannot be sent at all.
func ExampleClient_Publish() {
	server, err := bayeuxtest.Start(&bayeuxtest.Options{
		Authorize: func(_ *http.Request, m bayeux.Message) string {
			if m.Channel == "/admin" {
				return "403::not for you"
			}
			return ""
		},
		Answer: func(ms []bayeux.Message) bool { // false cuts the connection instead of answering
			return !slices.ContainsFunc(ms, func(m bayeux.Message) bool { return m.Channel == "/unlucky" })
		},
	})
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

	publish := func(channel bayeux.Channel) {
		err := c.Publish(ctx, channel, "hello")
		var refusal *bayeux.Error
		var outcome *client.OutcomeError
		switch {
		case err == nil:
			fmt.Println(channel, "the server took it")
		case c.Err() != nil:
			fmt.Println(channel, "this client is over: dial another")
		case errors.As(err, &outcome) && outcome.Sent:
			fmt.Println(channel, "the server may have it: ask before you publish it again")
		case errors.As(err, &outcome):
			fmt.Println(channel, "the server does not have it: publish it again")
		case errors.As(err, &refusal):
			fmt.Println(channel, "refused:", refusal.Text)
		default: // to publish it again is of no use
			fmt.Println(channel, "cannot be sent:", err)
		}
	}
	publish("/news")
	publish("/admin")
	publish("/unlucky")
	publish("/news/*")
	c.Close()
	publish("/too/late")
	// Output:
	// /news the server took it
	// /admin refused: not for you
	// /unlucky the server may have it: ask before you publish it again
	// /news/* cannot be sent: client: publish /news/*: /news/* is a pattern
	// /too/late this client is over: dial another
}

// Send does not wait for the answer, so that many messages leave in one frame or
// request. The Receipt has the outcome.
func ExampleClient_Send() {
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

	var receipts []*client.Receipt
	for n := range 3 {
		r, err := c.Send(ctx, client.Draft{Channel: "/numbers", Data: n})
		if err != nil {
			panic(err) // the message was not taken into the outbox
		}
		receipts = append(receipts, r)
	}
	for n, r := range receipts {
		fmt.Println(n, r.Wait(ctx))
	}
	// Output:
	// 0 <nil>
	// 1 <nil>
	// 2 <nil>
}

// Flush waits for everything that Send and Batch took, and returns the first error.
func ExampleClient_Flush() {
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

	for n := range 1000 {
		if _, err := c.Send(ctx, client.Draft{Channel: "/numbers", Data: n}); err != nil {
			panic(err)
		}
	}
	fmt.Println(c.Flush(ctx), c.Status().Unsettled)
	// Output:
	// <nil> 0
}

// The messages of a Batch leave in their order with no other between them. Either
// all of them go into the outbox, or none.
func ExampleClient_Batch() {
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
	orders, err := c.Subscribe(ctx, "/orders/*", nil)
	if err != nil {
		panic(err)
	}

	if _, err := c.Batch(ctx,
		client.Draft{Channel: "/orders/begin", Data: 17},
		client.Draft{Channel: "/orders/line", Data: "a lamp"},
		client.Draft{Channel: "/orders/end", Data: 17},
	); err != nil {
		panic(err)
	}
	for range 3 {
		item, err := orders.Next(ctx)
		if err != nil {
			panic(err)
		}
		m, _ := item.Value()
		fmt.Println(m.Channel, string(m.Data))
	}
	// Output:
	// /orders/begin 17
	// /orders/line "a lamp"
	// /orders/end 17
}

// Call asks the server and waits for the reply with the result.
func ExampleClient_Call() {
	server, err := bayeuxtest.Start(nil)
	if err != nil {
		panic(err)
	}
	defer server.Close()
	server.Handle("/service/price", func(_ *bayeuxtest.Session, m bayeux.Message) (any, error) {
		if string(m.Data) == `"ACME"` {
			return Quote{"ACME", 12.5}, nil
		}
		return nil, errors.New("no such symbol")
	})
	ctx := context.Background()
	c, err := client.Dial(ctx, server.URL, nil)
	if err != nil {
		panic(err)
	}
	defer c.Close()

	reply, err := c.Call(ctx, "price", "ACME")
	fmt.Println(string(reply.Data), err)
	_, err = c.Call(ctx, "price", "NONE")
	fmt.Println(err)
	// Output:
	// {"symbol":"ACME","price":12.5} <nil>
	// client: call /service/price: failed: 500::no such symbol
}
