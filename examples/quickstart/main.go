// Quickstart runs a Bayeux server in this process, subscribes to it, publishes
// to it, prints what arrives as values of a Go type, and leaves.
package main

import (
	"context"
	"fmt"
	"log"
	"time"

	"github.com/turold/turold/bayeux/bayeuxtest"
	"github.com/turold/turold/client"
)

// A Quote is what travels as data.
type Quote struct {
	Symbol string  `json:"symbol"`
	Price  float64 `json:"price"`
}

func main() {
	if err := run(); err != nil {
		log.Fatal(err)
	}
}

func run() error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()

	server, err := bayeuxtest.Start(nil)
	if err != nil {
		return err
	}
	defer server.Close()

	c, err := client.Dial(ctx, server.URL, nil)
	if err != nil {
		return err
	}
	defer c.Close()

	quotes, err := c.Subscribe(ctx, "/quotes/*", nil)
	if err != nil {
		return err
	}
	// The server publishes one, and so does this client.
	if err := server.Publish("/quotes/ACME", Quote{"ACME", 12.5}); err != nil {
		return err
	}
	if err := c.Publish(ctx, "/quotes/INIT", Quote{"INIT", 99.25}); err != nil {
		return err
	}

	n := 0
	for item, err := range client.Values[Quote](quotes.Messages(ctx)) {
		if err != nil {
			return err // the subscription is over
		}
		q, ok := item.Value()
		if !ok { // messages may be missing here, or one is no Quote
			fmt.Println("no quote:", item.Problem())
			continue
		}
		fmt.Printf("%s at %.2f, over %s\n", q.Symbol, q.Price, c.Status().Transport)
		if n++; n == 2 {
			break
		}
	}
	return c.Disconnect(ctx)
}
