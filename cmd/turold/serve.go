package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync"
	"time"

	"github.com/turold/turold/bayeux"
	"github.com/turold/turold/bayeux/bayeuxtest"
)

type serve struct {
	Listen string                   `default:"127.0.0.1:8080" help:"The host and port to listen on."`
	Path   string                   `default:"/cometd" help:"The path to serve Bayeux at."`
	Tick   map[string]time.Duration `placeholder:"CHANNEL=DURATION" help:"Publish a number on CHANNEL every DURATION. May be repeated."`
}

// A tick is what --tick publishes.
type tick struct {
	N    int       `json:"n"`
	Time time.Time `json:"time"`
}

// Run serves until the context ends.
func (s *serve) Run(ctx context.Context, std stdio) error {
	if !strings.HasPrefix(s.Path, "/") {
		return errors.New("--path begins with a slash")
	}
	for ch, every := range s.Tick {
		if err := bayeux.Channel(ch).Validate(""); err != nil {
			return err
		}
		if every <= 0 {
			return fmt.Errorf("--tick %s: the duration is not positive", ch)
		}
	}
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", s.Listen)
	if err != nil {
		return cmp.Or(context.Cause(ctx), err)
	}
	server := bayeuxtest.Serve(l, s.Path, bayeuxtest.New(nil), nil)
	defer server.Close()
	server.Handle("/service/echo", func(_ *bayeuxtest.Session, m bayeux.Message) (any, error) { return m.Data, nil })
	if _, err := fmt.Fprintln(std.out, server.URL); err != nil {
		return err
	}
	var all sync.WaitGroup
	defer all.Wait()
	for ch, every := range s.Tick {
		all.Go(func() { ticks(ctx, server, bayeux.Channel(ch), every) })
	}
	<-ctx.Done()
	return nil
}

func ticks(ctx context.Context, s *bayeuxtest.Running, ch bayeux.Channel, every time.Duration) {
	clock := time.NewTicker(every)
	defer clock.Stop()
	for n := 1; ; n++ {
		select {
		case at := <-clock.C:
			_ = s.Publish(ch, tick{n, at.UTC()}) // it cannot fail: a tick is JSON
		case <-ctx.Done():
			return
		}
	}
}
