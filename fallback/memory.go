package fallback

import (
	"encoding/json"
	"math/rand/v2"
	"sync"
	"time"
)

// How often sockets are tried on a path.
const (
	maxUnprovenDials    = 4                // sockets being opened at once on a path that is not known good
	earlyRetryInterval  = 30 * time.Second // between tries of one on which sockets fail, at first
	earlyRetryWindow    = 10 * time.Minute
	lateRetryInterval   = 2 * time.Minute // and later
	retryJitterRatio    = 0.2             // of either, both ways
	goodWindow          = 10 * time.Minute
	unknownSessionPause = time.Hour // after a server that knows no session on a socket
	queueWait           = time.Second
	maxPaths            = 1000
	changedDelay        = time.Second
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
	// call the Memory's methods. Nil: no function is called. It must not be changed
	// after the first use.
	Changed func()

	mu      sync.Mutex
	paths   map[string]*pathState
	callDue bool       // Changed is to be called
	calling sync.Mutex // is held while it runs
}

// A pathState is what is known of one path, and how many sockets are being opened on it.
type pathState struct {
	opening int // sockets that are not proven yet
	pathFacts
}

// pathFacts are what is known of a path and written to JSON.
type pathFacts struct {
	Good        time.Time `json:"good,omitzero"` // when a socket was proven last
	Bad         time.Time `json:"bad,omitzero"`  // since when they fail; zero: they do not
	Next        time.Time `json:"next,omitzero"` // while bad: when one may be tried again
	Why         Reason    `json:"why,omitempty"` // while bad: the Reason
	WebSocket   learned   `json:"webSocket"`
	LongPolling learned   `json:"longPolling"`
}

// Forget drops all of it, as for another network.
func (m *Memory) Forget() {
	m.update(func() bool {
		for _, p := range m.paths {
			*p = pathState{opening: p.opening}
		}
		return true
	})
}

// update has Changed called, if f says that something changed. That happens from a
// timer, so the caller may hold locks.
func (m *Memory) update(f func() bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if f() && m.Changed != nil && !m.callDue {
		m.callDue = true
		time.AfterFunc(changedDelay, m.callChanged)
	}
}

func (m *Memory) callChanged() {
	m.calling.Lock()
	defer m.calling.Unlock()
	m.mu.Lock()
	m.callDue = false
	m.mu.Unlock()
	m.Changed()
}

// A verdict is that sockets fail on a path; the zero value is none.
type verdict struct {
	why  Reason
	next time.Time // when this session may try
}

// reserve asks to open a socket. If that is not due it returns when to ask again,
// and why if that is a verdict; otherwise release must be called.
func (m *Memory) reserve(key string, now time.Time) (no verdict, ok bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	p := m.stateOf(key)
	switch {
	case !p.Bad.IsZero() && now.Before(p.Next):
		return verdict{p.Why, p.Next.Add(rand.N(queueWait))}, false
	case !p.Bad.IsZero():
		p.Next = now.Add(p.retryInterval(now))
	case now.Sub(p.Good) > goodWindow && p.opening >= maxUnprovenDials:
		return verdict{"", now.Add(queueWait/2 + rand.N(queueWait))}, false
	}
	p.opening++
	return verdict{}, true
}

// retryInterval is the time between two tries while sockets fail.
func (p *pathState) retryInterval(now time.Time) time.Duration {
	d := earlyRetryInterval
	if now.Sub(p.Bad) > earlyRetryWindow {
		d = lateRetryInterval
	}
	return time.Duration(float64(d) * (1 + retryJitterRatio*(2*rand.Float64()-1)))
}

// release takes back what reserve counted.
func (m *Memory) release(key string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.stateOf(key).opening--
}

// recordProven notes that a socket carries a session.
func (m *Memory) recordProven(key string, now time.Time) {
	m.update(func() bool {
		p := m.stateOf(key)
		news := !p.Bad.IsZero() || now.Sub(p.Good) > goodWindow/2
		p.Good, p.Bad, p.Next, p.Why = now, time.Time{}, time.Time{}, ""
		return news
	})
}

// isGood reports whether a socket was proven a short while ago and none failed since.
func (m *Memory) isGood(key string, now time.Time) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	p := m.stateOf(key)
	return p.Bad.IsZero() && !p.Good.IsZero() && now.Sub(p.Good) <= goodWindow
}

// provedSince reports whether a socket was proven later than at.
func (m *Memory) provedSince(key string, at time.Time) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.stateOf(key).Good.After(at)
}

// forgetGood takes back that sockets are known to work.
func (m *Memory) forgetGood(key string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.stateOf(key).Good = time.Time{}
}

// recordFailed notes that a socket failed while HTTP worked, and returns when to try again.
func (m *Memory) recordFailed(key string, why Reason, now time.Time) (again time.Time) {
	m.update(func() bool {
		p := m.stateOf(key)
		news := p.Bad.IsZero()
		p.Good, p.Why = time.Time{}, why
		if news {
			p.Bad = now
		}
		if !now.Before(p.Next) {
			p.Next = now.Add(p.retryInterval(now))
		}
		again = p.Next.Add(rand.N(queueWait))
		return news
	})
	return again
}

// holdLimit is the longest that a connect should be held; 0: nothing is known.
func (m *Memory) holdLimit(key string, kind pipe, now time.Time) time.Duration {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.stateOf(key).learnedBy(kind).holdLimit(now)
}

// lifetime is how old sockets become on a path; 0: no limit is known.
func (m *Memory) lifetime(key string, now time.Time) time.Duration {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.stateOf(key).WebSocket.lifetime(now)
}

// recordSilence notes a silence that a leg has outlived.
func (m *Memory) recordSilence(key string, kind pipe, silence time.Duration, now time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.stateOf(key).learnedBy(kind).recordSilence(silence, now)
}

// recordCut learns from a cut.
func (m *Memory) recordCut(c suspectedCut) {
	m.update(func() bool {
		p := m.stateOf(c.pathKey).learnedBy(c.pipe)
		before := *p
		p.recordCut(&c.legLife, c.once, c.at)
		return p.Hold != before.Hold || p.Life != before.Life
	})
}

// expectsCut reports whether a cut like it happened before.
func (m *Memory) expectsCut(c suspectedCut) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.stateOf(c.pathKey).learnedBy(c.pipe).repeatsCut(&c.legLife, c.at)
}

func (p *pathState) learnedBy(kind pipe) *learned {
	if kind == socketPipe {
		return &p.WebSocket
	}
	return &p.LongPolling
}

// stateOf is called with the mutex held. A Memory is bounded: of very many paths
// one is dropped on which no socket is being opened.
func (m *Memory) stateOf(key string) *pathState {
	if m.paths == nil {
		m.paths = map[string]*pathState{}
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
		p = new(pathState)
		m.paths[key] = p
	}
	return p
}

// MarshalJSON writes what is known: addresses without query and credentials,
// and times. A later version reads it, or leaves what it does not understand.
func (m *Memory) MarshalJSON() ([]byte, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	all := map[string]pathFacts{}
	for key, p := range m.paths {
		if p.pathFacts != (pathFacts{}) {
			all[key] = p.pathFacts
		}
	}
	return json.Marshal(all)
}

// UnmarshalJSON adds what was known. What cannot be true any more, or never
// could, is left out; an error means that nothing was read.
func (m *Memory) UnmarshalJSON(b []byte) error {
	var all map[string]pathFacts
	if err := json.Unmarshal(b, &all); err != nil {
		return err
	}
	now := time.Now()
	m.mu.Lock()
	defer m.mu.Unlock()
	for key, k := range all {
		m.stateOf(key).pathFacts = k.credible(now)
	}
	return nil
}

// credible is k without times that lie ahead, and without what is no duration.
func (k pathFacts) credible(now time.Time) pathFacts {
	if k.Good.After(now) {
		k.Good = time.Time{}
	}
	if k.Bad.After(now) || k.Next.After(now.Add(2*lateRetryInterval)) {
		k.Bad, k.Next, k.Why = time.Time{}, time.Time{}, ""
	}
	for _, p := range []*learned{&k.WebSocket, &k.LongPolling} {
		if p.Cut.After(now) || p.Raised.After(now) || p.Died.After(now) || p.Silence < 0 || p.Age < 0 || p.Life < 0 ||
			p.Hold != 0 && (p.Hold < minLearnedHold || now.Sub(p.Cut) > cutExpiry) {
			*p = learned{}
		}
	}
	return k
}
