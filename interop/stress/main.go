package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"time"

	"github.com/turold/turold/bayeux"
	"github.com/turold/turold/internal/check/stress/engine"
	"github.com/turold/turold/interop/servers"
)

func main() { os.Exit(engine.Main(os.Args[1:], &server{})) }

// A server is a CometD 9, a process of its own in each round.
type server struct{ s *servers.Server }

func (s *server) Start() (err error) {
	s.s, err = servers.CometD.Start("maxInterval=3000", fmt.Sprint("timeout=", engine.Hold.Milliseconds()))
	return err
}

func (s *server) Stop() { s.s.Stop() }

func (s *server) Address() string { return s.s.Addr() }

func (s *server) Path() string { return "/cometd" }

func (s *server) Taken() (map[bayeux.Channel][]engine.ID, error) {
	all := map[bayeux.Channel][]engine.ID{}
	for _, ch := range engine.Channels() {
		got, err := s.s.Received(string(ch))
		if err != nil {
			return nil, err
		}
		for _, data := range got {
			id, ok := engine.ParseID(data)
			if !ok {
				return nil, fmt.Errorf("the server took %.80s on %s", data, ch)
			}
			all[ch] = append(all[ch], id)
		}
	}
	return all, nil
}

// Faults are the server's own.
func (s *server) Faults() []engine.Fault {
	return []engine.Fault{
		{Name: "sessions forgotten", Do: func(context.Context, *rand.Rand) { _, _ = s.s.Forget() }},
		{Name: "server stopped where it is", Stalls: true, Do: func(ctx context.Context, rng *rand.Rand) {
			if s.s.Pause() != nil {
				return
			}
			select {
			case <-time.After(time.Second/2 + time.Duration(rng.Int64N(int64(3*time.Second)))):
			case <-ctx.Done():
			}
			_ = s.s.Resume()
		}},
	}
}
