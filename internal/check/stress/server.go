package main

import (
	"context"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/turold/turold/bayeux"
	"github.com/turold/turold/bayeux/bayeuxtest"
	"github.com/turold/turold/internal/check/stress/engine"
)

// A server is a bayeuxtest server that can be restarted, on another port each
// time, and that keeps what it took across restarts.
type server struct {
	mu      sync.Mutex
	running *bayeuxtest.Running
	address string
	taken   map[bayeux.Channel][]engine.ID
	stall   time.Time // until then nothing is taken
}

const path = "/cometd"

func (s *server) Path() string { return path }

func (s *server) Start() error {
	s.mu.Lock()
	s.taken, s.stall = map[bayeux.Channel][]engine.ID{}, time.Time{}
	s.mu.Unlock()
	return s.restart()
}

func (s *server) restart() error {
	r, err := bayeuxtest.Start(&bayeuxtest.Options{Timeout: engine.Hold, MaxInterval: 3 * time.Second, Authorize: s.take, Take: func([]bayeux.Message) { s.stalls() }})
	if err != nil {
		return err
	}
	r.Handle("/service/"+engine.Echo, func(_ *bayeuxtest.Session, m bayeux.Message) (any, error) { return m.Data, nil })
	s.mu.Lock()
	defer s.mu.Unlock()
	s.running, s.address = r, strings.TrimSuffix(strings.TrimPrefix(r.URL, "http://"), path)
	return nil
}

func (s *server) now() *bayeuxtest.Running {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.running
}

func (s *server) Stop() {
	if r := s.now(); r != nil {
		_ = r.Close()
	}
}

func (s *server) Address() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.address
}

// take grants what is not denied, and keeps what is granted in the order in
// which it comes.
func (s *server) take(_ *http.Request, m bayeux.Message) string {
	if strings.HasPrefix(string(m.Channel), engine.Denied) {
		return "403::denied"
	}
	if id, ok := engine.ParseID(m.Data); ok && !m.Channel.Meta() && !m.Channel.Service() {
		s.mu.Lock()
		s.taken[m.Channel] = append(s.taken[m.Channel], id)
		s.mu.Unlock()
	}
	return ""
}

func (s *server) Taken() (map[bayeux.Channel][]engine.ID, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.taken, nil
}

// stalls waits until a stall is over.
func (s *server) stalls() {
	s.mu.Lock()
	left := time.Until(s.stall)
	s.mu.Unlock()
	time.Sleep(max(left, 0))
}

// Faults are the server's own.
func (s *server) Faults() []engine.Fault {
	return []engine.Fault{
		{Name: "server restarted", Do: func(context.Context, *rand.Rand) {
			_ = s.now().Close()
			if err := s.restart(); err != nil {
				panic(err) // there is no free port, or no memory
			}
		}},
		{Name: "sessions forgotten", Do: func(_ context.Context, rng *rand.Rand) {
			r := s.now()
			for _, x := range r.Sessions() {
				if rng.IntN(2) == 0 {
					r.Forget(x.ID())
				}
			}
		}},
		{Name: "server cuts all", Do: func(context.Context, *rand.Rand) { s.now().CutAll() }},
		{Name: "server stalls", Stalls: true, Do: func(ctx context.Context, rng *rand.Rand) {
			d := 500*time.Millisecond + time.Duration(rng.Int64N(int64(2*time.Second)))
			s.mu.Lock()
			s.stall = time.Now().Add(d)
			s.mu.Unlock()
			select {
			case <-time.After(d):
			case <-ctx.Done():
			}
		}},
	}
}
