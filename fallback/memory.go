package fallback

import (
	"encoding/json"
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
	maxPaths    = 1000
	tellAfter   = time.Second
)

// A Memory is what is known of the ways to servers, for every session that
// shares it: on which of them WebSockets fail, so that one session tries for
// all; on which one has worked within the last ten minutes; and how long silence
// and age are borne. It only ever delays a WebSocket, and forgets. A way is an
// address, a proxy, and the local address that packets leave from, so that what
// was learnt of one network is not held against another.
//
// The zero value is ready. A Memory is safe for concurrent use, and must not be
// copied. It is written to JSON and read from it, so that a program that starts
// again need not learn again.
type Memory struct {
	// Changed is called a second after something was found out that is worth
	// saving: a way on which WebSockets fail or work by now, a hold, a lifetime.
	// It runs on a goroutine of its own, never twice at a time, and may block and
	// call the Memory's methods. Nil: nobody is told. It is not changed after the
	// first use.
	Changed func()

	mu      sync.Mutex
	paths   map[string]*path
	due     bool       // Changed is to be called
	telling sync.Mutex // is held while it runs
}

// A path is the way to one address.
type path struct {
	opening int // sockets that are not proven yet
	known
}

// What is known of a path, and is written to JSON.
type known struct {
	Good        time.Time `json:"good,omitzero"` // when a socket was proven last
	Bad         time.Time `json:"bad,omitzero"`  // since when they fail; zero: they do not
	Next        time.Time `json:"next,omitzero"` // while bad: when one may be tried again
	Why         string    `json:"why,omitempty"` // while bad: the Reason
	WebSocket   pace      `json:"webSocket"`
	LongPolling pace      `json:"longPolling"`
}

// Forget drops all of it, as for another network.
func (m *Memory) Forget() {
	m.change(func() bool {
		for _, p := range m.paths {
			*p = path{opening: p.opening}
		}
		return true
	})
}

// change tells that something changed, if f says so. The caller may hold locks:
// whoever is told is told later.
func (m *Memory) change(f func() bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if f() && m.Changed != nil && !m.due {
		m.due = true
		time.AfterFunc(tellAfter, m.tell)
	}
}

func (m *Memory) tell() {
	m.telling.Lock()
	defer m.telling.Unlock()
	m.mu.Lock()
	m.due = false
	m.mu.Unlock()
	m.Changed()
}

// A verdict is that sockets fail on a path; the zero value is none.
type verdict struct {
	why  string
	next time.Time // when this session may try
}

// begin asks to open a socket. If that is not due it returns when to ask again,
// and why if that is a verdict; otherwise end must be called.
func (m *Memory) begin(key string, now time.Time) (no verdict, ok bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	p := m.path(key)
	switch {
	case !p.Bad.IsZero() && now.Before(p.Next):
		return verdict{p.Why, p.Next.Add(rand.N(queueFor))}, false
	case !p.Bad.IsZero():
		p.Next = now.Add(p.interval(now))
	case now.Sub(p.Good) > stayGood && p.opening >= maxUnproven:
		return verdict{"", now.Add(queueFor/2 + rand.N(queueFor))}, false
	}
	p.opening++
	return verdict{}, true
}

// interval is the time between two tries while sockets fail.
func (p *path) interval(now time.Time) time.Duration {
	d := probeEarly
	if now.Sub(p.Bad) > earlyFor {
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
	m.change(func() bool {
		p := m.path(key)
		news := !p.Bad.IsZero() || now.Sub(p.Good) > stayGood/2
		p.Good, p.Bad, p.Next, p.Why = now, time.Time{}, time.Time{}, ""
		return news
	})
}

// good reports whether a socket was proven a short while ago and none failed since.
func (m *Memory) good(key string, now time.Time) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	p := m.path(key)
	return p.Bad.IsZero() && !p.Good.IsZero() && now.Sub(p.Good) <= stayGood
}

// provedSince reports whether a socket was proven later than at.
func (m *Memory) provedSince(key string, at time.Time) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.path(key).Good.After(at)
}

// doubt takes back that sockets are known to work.
func (m *Memory) doubt(key string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.path(key).Good = time.Time{}
}

// failed is told that one did not while HTTP worked, and returns when to try again.
func (m *Memory) failed(key, why string, now time.Time) (again time.Time) {
	m.change(func() bool {
		p := m.path(key)
		news := p.Bad.IsZero()
		p.Good, p.Why = time.Time{}, why
		if news {
			p.Bad = now
		}
		if !now.Before(p.Next) {
			p.Next = now.Add(p.interval(now))
		}
		again = p.Next.Add(rand.N(queueFor))
		return news
	})
	return again
}

// hold is the longest that a connect should be held; 0: nothing is known.
func (m *Memory) hold(key string, kind pipe, now time.Time) time.Duration {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.path(key).pace(kind).longest(now)
}

// life is how old sockets become on a path; 0: as old as they like.
func (m *Memory) life(key string, now time.Time) time.Duration {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.path(key).WebSocket.life(now)
}

// borne is told of a silence that a leg has outlived.
func (m *Memory) borne(key string, kind pipe, silence time.Duration, now time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.path(key).pace(kind).bears(silence, now)
}

// cut learns from one.
func (m *Memory) cut(c cut) {
	m.change(func() bool {
		p := m.path(c.way).pace(c.kind)
		before := *p
		p.ended(&c.life, c.once, c.at)
		return p.Hold != before.Hold || p.Life != before.Life
	})
}

// expected reports whether it happened before.
func (m *Memory) expected(c cut) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.path(c.way).pace(c.kind).steady(&c.life, c.at)
}

func (p *path) pace(kind pipe) *pace {
	if kind == onSocket {
		return &p.WebSocket
	}
	return &p.LongPolling
}

// path is called with the mutex held. A Memory is bounded: of very many paths
// one that nobody is opening a socket on is dropped.
func (m *Memory) path(key string) *path {
	if m.paths == nil {
		m.paths = map[string]*path{}
	}
	p := m.paths[key]
	if p == nil {
		for k, old := range m.paths {
			if len(m.paths) < maxPaths {
				break
			}
			if old.opening == 0 {
				delete(m.paths, k)
			}
		}
		p = new(path)
		m.paths[key] = p
	}
	return p
}

// MarshalJSON writes what is known: addresses without query and credentials,
// and times. A later version reads it, or leaves what it does not understand.
func (m *Memory) MarshalJSON() ([]byte, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	all := map[string]known{}
	for key, p := range m.paths {
		if p.known != (known{}) {
			all[key] = p.known
		}
	}
	return json.Marshal(all)
}

// UnmarshalJSON adds what was known. What cannot be true any more, or never
// could, is left out; an error means that nothing was read.
func (m *Memory) UnmarshalJSON(b []byte) error {
	var all map[string]known
	if err := json.Unmarshal(b, &all); err != nil {
		return err
	}
	now := time.Now()
	m.mu.Lock()
	defer m.mu.Unlock()
	for key, k := range all {
		m.path(key).known = k.credible(now)
	}
	return nil
}

// credible is k without times that lie ahead, and without what is no duration.
func (k known) credible(now time.Time) known {
	if k.Good.After(now) {
		k.Good = time.Time{}
	}
	if k.Bad.After(now) || k.Next.After(now.Add(2*probeLater)) {
		k.Bad, k.Next, k.Why = time.Time{}, time.Time{}, ""
	}
	for _, p := range []*pace{&k.WebSocket, &k.LongPolling} {
		if p.Cut.After(now) || p.Raised.After(now) || p.Died.After(now) || p.Silence < 0 || p.Age < 0 || p.Life < 0 ||
			p.Hold != 0 && (p.Hold < leastLearnt || now.Sub(p.Cut) > believed) {
			*p = pace{}
		}
	}
	return k
}
