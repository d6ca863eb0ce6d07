package fallback

import (
	"strings"
	"sync"
	"time"
	"unique"

	"github.com/turold/turold/internal/mono"
	"github.com/turold/turold/internal/wire"
	"github.com/turold/turold/transport"
)

// pathKeyLifetime is how long the key of a path is believed.
const pathKeyLifetime = time.Second

// A pathKeyCache has the key of the path that a session's next leg takes, in a Memory. It is safe
// for concurrent use.
type pathKeyCache struct {
	s *transport.SessionConfig

	mu     sync.Mutex
	target *transport.Target
	name   string
	at     mono.Time
}

func (r *pathKeyCache) get() string {
	now := mono.Now()
	r.mu.Lock()
	defer r.mu.Unlock()
	if t := r.s.Target(); t != r.target || now.Sub(r.at) > pathKeyLifetime {
		r.target, r.name, r.at = t, unique.Make(r.s.Shared.PathKey(t)).Value(), now // most sessions share theirs
	}
	return r.name
}

// sameHost reports whether both pipes go to the same host and port.
func sameHost(t *transport.Target) bool {
	return strings.EqualFold(wire.Address(t.Socket()), wire.Address(t.URL))
}
