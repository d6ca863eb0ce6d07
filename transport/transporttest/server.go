package transporttest

import (
	"sync"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/turold/turold/bayeux"
	"github.com/turold/turold/bayeux/bayeuxtest"
	"github.com/turold/turold/bayeux/bayeuxtest/memnet"
)

// A server is a Bayeux server at address that remembers what came.
type server struct {
	*bayeuxtest.Running

	mu     sync.Mutex
	frames [][]bayeux.Message
	delays map[bayeux.Channel]time.Duration
}

func serve(t require.TestingT, n *memnet.Network, o *bayeuxtest.Options) *server {
	l, err := n.Listen(address)
	require.NoError(t, err)
	s := &server{delays: map[bayeux.Channel]time.Duration{}}
	var own bayeuxtest.Options
	if o != nil {
		own = *o
	}
	own.Take = s.take
	s.Running = bayeuxtest.Serve(l, path, bayeuxtest.New(&own), nil)
	return s
}

// take remembers a frame or body, and holds up those that are to be slow.
func (s *server) take(ms []bayeux.Message) {
	s.mu.Lock()
	s.frames = append(s.frames, ms)
	var d time.Duration
	for i := range ms {
		d = max(d, s.delays[ms[i].Channel])
	}
	s.mu.Unlock()
	time.Sleep(d)
}

// took returns the frames and bodies that came.
func (s *server) took() [][]bayeux.Message {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.frames
}

// frame returns the frame or body that a message came in; nil: it did not.
func (s *server) frame(id string) []bayeux.Message {
	for _, f := range s.took() {
		for i := range f {
			if f[i].ID == id {
				return f
			}
		}
	}
	return nil
}

// delay has what is sent to a channel wait before the server looks at it.
func (s *server) delay(ch bayeux.Channel, d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.delays[ch] = d
}
