package fallback

import (
	"math/rand/v2"
	"sync"
	"time"
)

// Pacing of what is tried on a path.
const (
	maxUnproven = 4                // sockets being opened at once on a path that is not known good
	probeEarly  = 30 * time.Second // between tries of one on which sockets fail, at first
	earlyFor    = 10 * time.Minute
	probeLater  = 2 * time.Minute // and later
	probeJitter = 0.2             // of either, both ways
	stayGood    = 10 * time.Minute
	barred      = time.Hour // after a server that knows no session on a socket
	queueFor    = time.Second
)

// A Memory is what is known of the ways to servers, for every session that
// shares it: on which of them WebSockets fail, so that one session tries for
// all. It only ever delays a WebSocket, and forgets. The zero value is ready;
// it is safe for concurrent use.
type Memory struct {
	mu    sync.Mutex
	paths map[string]*path
}

// A path is the way to one address.
type path struct {
	opening int       // sockets that are not proven yet
	good    time.Time // when one was proven last
	bad     time.Time // since when they fail; zero: they do not
	next    time.Time // while bad: when one may be tried again
}

// Forget drops all of it, as for another network.
func (m *Memory) Forget() {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, p := range m.paths {
		*p = path{opening: p.opening}
	}
}

// begin asks to open a socket. If that is not due it returns when to ask again;
// otherwise end must be called.
func (m *Memory) begin(key string, now time.Time) (again time.Time, ok bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	p := m.path(key)
	switch {
	case !p.bad.IsZero() && now.Before(p.next):
		return p.next.Add(rand.N(queueFor)), false
	case !p.bad.IsZero():
		p.next = now.Add(p.interval(now))
	case now.Sub(p.good) > stayGood && p.opening >= maxUnproven:
		return now.Add(queueFor/2 + rand.N(queueFor)), false
	}
	p.opening++
	return time.Time{}, true
}

// interval is the time between two tries while sockets fail.
func (p *path) interval(now time.Time) time.Duration {
	d := probeEarly
	if now.Sub(p.bad) > earlyFor {
		d = probeLater
	}
	return time.Duration(float64(d) * (1 + probeJitter*(2*rand.Float64()-1)))
}

// end takes back what begin counted.
func (m *Memory) end(key string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.path(key).opening--
}

// proved is told that a socket carries a session.
func (m *Memory) proved(key string, now time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	p := m.path(key)
	p.good, p.bad, p.next = now, time.Time{}, time.Time{}
}

// failed is told that one did not while HTTP worked, and returns when to try again.
func (m *Memory) failed(key string, now time.Time) (again time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	p := m.path(key)
	p.good = time.Time{}
	if p.bad.IsZero() {
		p.bad = now
	}
	if !now.Before(p.next) {
		p.next = now.Add(p.interval(now))
	}
	return p.next.Add(rand.N(queueFor))
}

// path is called with the mutex held.
func (m *Memory) path(key string) *path {
	if m.paths == nil {
		m.paths = map[string]*path{}
	}
	p := m.paths[key]
	if p == nil {
		p = new(path)
		m.paths[key] = p
	}
	return p
}
