package main

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/turold/turold/bayeux"
	"github.com/turold/turold/bayeux/bayeuxtest"
)

// A shop is the server: it publishes each sale, and answers with its stock.
type shop struct {
	server *bayeuxtest.Running
	left   atomic.Int64
}

func openShop() (*shop, error) {
	s := new(shop)
	s.left.Store(10_000)
	// A short hold: a client finds out at its end that it was forgotten.
	server, err := bayeuxtest.Start(&bayeuxtest.Options{Timeout: 500 * time.Millisecond})
	if err != nil {
		return nil, err
	}
	s.server = server
	server.Handle("/service/stock", func(*bayeuxtest.Session, bayeux.Message) (any, error) { return s.left.Load(), nil })
	return s, nil
}

func (s *shop) close() { _ = s.server.Close() }

// misbehave sells every 10 ms for five seconds, and treats its clients badly.
func (s *shop) misbehave(ctx context.Context) {
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for n := range 500 {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
		switch n {
		case 100:
			fmt.Println("shop: breaks every connection")
			s.server.CutAll()
		case 200:
			fmt.Println("shop: forgets every session")
			s.server.Forget("")
		case 300:
			fmt.Println("shop: sends everybody away")
			s.server.Disconnect("")
		}
		if err := s.server.Publish("/sales", Sale{Sold: 1, Left: int(s.left.Add(-1))}); err != nil {
			panic(err) // a Sale is JSON
		}
	}
}
