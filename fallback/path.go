package fallback

import (
	"strings"
	"sync"
	"time"
	"unique"

	"github.com/turold/turold/transport"
)

// wayFor is how long the name of a way is believed.
const wayFor = time.Second

// wayTo names the way that a session's next leg goes, in a Memory.
func wayTo(s *transport.Session) func() string {
	var mu sync.Mutex
	var target *transport.Target
	var way string
	var at time.Time
	return func() string {
		now := time.Now()
		mu.Lock()
		defer mu.Unlock()
		if t := s.Target(); t != target || now.Sub(at) > wayFor {
			target, way, at = t, unique.Make(s.Network.Way(t)).Value(), now // most sessions share theirs
		}
		return way
	}
}

// shared reports whether both pipes go to the same host and port.
func shared(t *transport.Target) bool {
	return strings.EqualFold(transport.Address(t.Socket()), transport.Address(t.URL))
}
