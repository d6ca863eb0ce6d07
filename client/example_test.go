package client_test

import (
	"context"
	"encoding/json"
	"fmt"
	"iter"

	"github.com/turold/turold/bayeux/bayeuxtest"
	"github.com/turold/turold/client"
)

// A Quote is what travels as data in these examples.
type Quote struct {
	Symbol string  `json:"symbol"`
	Price  float64 `json:"price"`
}

// Dial returns when the server has granted the handshake. From then on the client
// works by itself: it reconnects, and subscribes again in each new session.
func ExampleDial() {
	server, err := bayeuxtest.Start(nil) // your own server's URL takes its place
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
	if err := c.Ready(ctx); err != nil {
		panic(err)
	}
	fmt.Println(c.Status().State)
	// Output:
	// connected
}

// A URL without a scheme is the commonest slip.
func ExampleDial_error() {
	_, err := client.Dial(context.Background(), "localhost:8080/cometd", nil)
	fmt.Println(err)
	// Output:
	// client: dial: invalid server URL: the scheme is missing: want http, https, ws or wss, such as http://localhost:8080/cometd
}

// Subscribe takes channels and patterns: one star stands for one segment, two for
// any number of them.
func ExampleClient_Subscribe() {
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

	quotes, err := c.Subscribe(ctx, "/quotes/**", nil)
	if err != nil {
		panic(err)
	}
	if err := server.Publish("/quotes/nyse/ACME", Quote{"ACME", 12.5}); err != nil {
		panic(err)
	}
	item, err := quotes.Next(ctx)
	if err != nil {
		panic(err)
	}
	m, _ := item.Value()
	fmt.Println(m.Channel, string(m.Data))
	// Output:
	// /quotes/nyse/ACME {"symbol":"ACME","price":12.5}
}

// In the stream an error means that it is over. A gap is an item: messages may be
// missing at its place, and the loop goes on behind it. A program asks for the
// present state there.
func ExampleSubscription_Messages() {
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
	if err := server.Publish("/news", "one"); err != nil {
		panic(err)
	}

	for item, err := range news.Messages(ctx) {
		if err != nil {
			fmt.Println("over:", err)
			return
		}
		m, ok := item.Value()
		if !ok {
			fmt.Println("messages may be missing:", item.Gap().Reason)
			if err := server.Publish("/news", "two"); err != nil {
				panic(err)
			}
			continue
		}
		fmt.Println(string(m.Data))
		switch string(m.Data) {
		case `"one"`:
			server.Forget("") // as a server does that restarts
		case `"two"`:
			c.Close()
		}
	}
	// Output:
	// "one"
	// messages may be missing: new session
	// "two"
	// over: client: closed
}

// Values decodes what events carry. Data of another shape is an item with a
// Misfit, and the loop goes on behind it.
func ExampleValues() {
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
	quotes, err := c.Subscribe(ctx, "/quotes/*", nil)
	if err != nil {
		panic(err)
	}
	for _, data := range []any{Quote{"ACME", 12.5}, "closed today", Quote{"ACME", 12.75}} {
		if err := server.Publish("/quotes/ACME", data); err != nil {
			panic(err)
		}
	}

	left := 3
	for item, err := range client.Values[Quote](quotes.Messages(ctx)) {
		if err != nil {
			panic(err)
		}
		if quote, ok := item.Value(); ok {
			fmt.Println(item.Channel(), quote.Price)
		} else if misfit := item.Misfit(); misfit != nil {
			fmt.Println(item.Channel(), "no quote:", string(misfit.Message.Data))
		} else {
			fmt.Println(item.Channel(), item.Gap())
		}
		if left--; left == 0 {
			break
		}
	}
	// Output:
	// /quotes/ACME 12.5
	// /quotes/ACME no quote: "closed today"
	// /quotes/ACME 12.75
}

// Listen hears what a server sends to this session alone, on channels that need no
// subscription.
func ExampleClient_Listen() {
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
	hints, err := c.Listen("/service/hints", nil)
	if err != nil {
		panic(err)
	}

	if err := server.Sessions()[0].Deliver("/service/hints", "your password expires"); err != nil {
		panic(err)
	}
	item, err := hints.Next(ctx)
	if err != nil {
		panic(err)
	}
	m, _ := item.Value()
	var hint string
	if err := json.Unmarshal(m.Data, &hint); err != nil {
		panic(err)
	}
	fmt.Println(hint)
	// Output:
	// your password expires
}

// average is a function that takes a stream: its test needs no server.
func average(quotes iter.Seq2[client.Item[Quote], error]) (float64, error) {
	sum, n := 0.0, 0
	for item, err := range quotes {
		if err != nil {
			return 0, err
		}
		quote, ok := item.Value()
		if !ok {
			sum, n = 0, 0 // begin again behind a gap
			continue
		}
		sum, n = sum+quote.Price, n+1
	}
	return sum / float64(n), nil
}

// A test plays a stream, with a gap where it wants one.
func ExampleItemOf() {
	stream := func(yield func(client.Item[Quote], error) bool) {
		_ = yield(client.ItemOf("/quotes/ACME", Quote{"ACME", 10}), nil) &&
			yield(client.ItemOfGap[Quote](&client.GapError{Channel: "/quotes/*", Reason: client.GapNewSession, Missed: -1}), nil) &&
			yield(client.ItemOf("/quotes/ACME", Quote{"ACME", 20}), nil)
	}
	fmt.Println(average(stream))
	// Output:
	// 20 <nil>
}
