// Package turold is a client for Bayeux servers: CometD, Faye and their kin. It
// moves a live session between WebSocket and long-polling, and says so wherever a
// message may be missing.
//
// The package has no code: this page says which of the module's packages to import.
//
//   - [github.com/turold/turold/client] is the session: Dial, Subscribe, Publish.
//     Most programs import this one alone.
//   - [github.com/turold/turold/fallback] chooses between the transports. A program
//     imports it to set the mode, or to keep what was learned of its networks over a
//     restart.
//   - [github.com/turold/turold/bayeux] has the words of the protocol: Message,
//     Channel, Error. A program imports it to look into a server's refusal.
//   - [github.com/turold/turold/bayeux/bayeuxtest] is a server for tests, with bad
//     networks in hostile and a network in memory in memnet.
//
// A whole program, with a server in its process:
//
//	package main
//
//	import (
//		"context"
//		"fmt"
//		"log"
//
//		"github.com/turold/turold/bayeux/bayeuxtest"
//		"github.com/turold/turold/client"
//	)
//
//	type Quote struct {
//		Symbol string
//		Price  float64
//	}
//
//	func main() {
//		ctx := context.Background()
//		server, err := bayeuxtest.Start(nil) // in a real program: a server of your own
//		if err != nil {
//			log.Fatal(err)
//		}
//		c, err := client.Dial(ctx, server.URL, nil)
//		if err != nil {
//			log.Fatal(err)
//		}
//		quotes, err := c.Subscribe(ctx, "/quotes/*", nil)
//		if err != nil {
//			log.Fatal(err)
//		}
//		if err := c.Publish(ctx, "/quotes/ACME", Quote{"ACME", 12.5}); err != nil {
//			log.Fatal(err)
//		}
//		for item, err := range client.Values[Quote](quotes.Messages(ctx)) {
//			if err != nil {
//				log.Fatal(err) // the subscription is over
//			}
//			quote, ok := item.Value()
//			if !ok {
//				log.Println(item.Problem()) // messages may be missing here, or one is no Quote
//				continue
//			}
//			fmt.Printf("%s at %.2f\n", quote.Symbol, quote.Price)
//			break
//		}
//		if err := c.Disconnect(ctx); err != nil {
//			log.Fatal(err)
//		}
//	}
//
// The README shows what the module promises, docs/testing.md how to test a program
// that uses it, and SECURITY.md what holds whatever a server sends.
package turold
