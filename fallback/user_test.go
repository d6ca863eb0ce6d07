package fallback_test

import (
	"errors"
	"strconv"
	"sync"
	"time"

	"github.com/turold/turold/bayeux"
	"github.com/turold/turold/transport"
)

const (
	pause        = time.Second      // the backoff of a user, always the same
	networkDelay = 10 * time.Second // beyond the hold
)

var errLate = errors.New("late")

// A user is a Handler that keeps a session: it shakes hands, keeps one connect
// out, publishes what it is told to, backs off after failures and begins anew
// when the server has forgotten it.
type user struct {
	pipe  transport.Transport
	delay time.Duration // networkDelay, unless a test wants another

	mu      sync.Mutex
	id      string // clientId
	seq     int
	shake   transport.LegID
	connect transport.LegID
	wanted  string // the id of the connect that is out
	zero    bool
	queue   []bayeux.Message
	legs    map[transport.LegID]*carrier // those that carry
	waits   bool                         // it backs off
	record  record
}

// A carrier is a leg as the user knows it.
type carrier struct {
	kind string
	cut  bool
}

// A record is what a user saw.
type record struct {
	shakes   []sighting // handshakes given out
	granted  []sighting // handshakes granted
	connects []sighting // connects given out
	replies  map[string]sighting
	ends     []*transport.Error // with an error, of legs that it knew, and of those that did not open
	failures int                // pauses made
	surprise int                // things that came on legs it did not know
}

// A sighting is the connectionType of something, and when.
type sighting struct {
	kind string
	at   time.Time
}

func newUser() *user {
	return &user{delay: networkDelay, legs: map[transport.LegID]*carrier{}, record: record{replies: map[string]sighting{}}}
}

func (u *user) Next(lane transport.Lane, l transport.Leg) []bayeux.Message {
	u.mu.Lock()
	defer u.mu.Unlock()
	k := u.legs[l.ID]
	if u.waits || k != nil && k.cut {
		return nil
	}
	m := bayeux.Message{ID: strconv.Itoa(u.seq + 1), Meta: &bayeux.Meta{ClientID: u.id}}
	late := u.delay
	seen := sighting{l.Type, time.Now()}
	switch {
	case lane == transport.LaneCommands && u.id == "" && u.shake == 0:
		m.Channel, m.Meta.Version, m.Meta.SupportedConnectionTypes = bayeux.MetaHandshake, "1.0", u.pipe.Types()
		u.shake, u.record.shakes = l.ID, append(u.record.shakes, seen)
	case lane == transport.LaneCommands && u.id != "" && len(u.queue) > 0:
		m.ID, m.Channel, m.Data = u.queue[0].ID, u.queue[0].Channel, u.queue[0].Data
		u.queue, u.seq = u.queue[1:], u.seq-1
	case lane == transport.LaneConnect && u.id != "" && u.connect == 0:
		hold := l.Hold
		if u.zero {
			hold = 0
		}
		late += hold
		m.Channel, m.Meta.ConnectionType, m.Meta.Advice = bayeux.MetaConnect, l.Type, &bayeux.Advice{Timeout: &hold}
		u.connect, u.wanted, u.record.connects = l.ID, m.ID, append(u.record.connects, seen)
	default:
		return nil
	}
	u.seq++
	if k == nil {
		u.legs[l.ID] = &carrier{kind: l.Type}
	}
	id := m.ID
	time.AfterFunc(late, func() { u.overdue(l.ID, id) })
	return []bayeux.Message{m}
}

// overdue cuts a leg whose handshake or connect is not answered.
func (u *user) overdue(l transport.LegID, id string) {
	u.mu.Lock()
	late := u.shake == l || u.connect == l && u.wanted == id
	if k := u.legs[l]; late && k != nil {
		k.cut = true
	}
	u.mu.Unlock()
	if late {
		u.pipe.Cut(l, errLate)
	}
}

func (u *user) Receive(id transport.LegID, ms []bayeux.Message) {
	u.mu.Lock()
	var wake []transport.Lane
	forgotten := false
	k := u.legs[id]
	switch {
	case k == nil:
		u.record.surprise++
		ms = nil
	case k.cut:
		ms = nil
	}
	for i := range ms {
		m := &ms[i]
		switch {
		case m.IsEvent():
		case m.Channel == bayeux.MetaHandshake && m.Granted():
			u.id, u.shake, u.zero = m.Meta.ClientID, 0, true
			u.record.granted = append(u.record.granted, sighting{k.kind, time.Now()})
			wake = []transport.Lane{transport.LaneConnect, transport.LaneCommands}
		case errors.Is(m.Err(), bayeux.ErrUnknownSession):
			forgotten = true
		case m.Channel == bayeux.MetaConnect && m.ID == u.wanted:
			u.connect, u.wanted, u.zero = 0, "", false
			wake = append(wake, transport.LaneConnect)
		default:
			u.record.replies[m.ID] = sighting{k.kind, time.Now()}
		}
	}
	var cut []transport.LegID
	if forgotten && u.id != "" {
		u.id, u.shake, u.connect, u.wanted, wake = "", 0, 0, "", nil
		for l, k := range u.legs {
			k.cut, cut = true, append(cut, l)
		}
		u.back(pause / 100)
	}
	u.mu.Unlock()
	for _, l := range cut {
		u.pipe.Cut(l, errors.New("the session is over"))
	}
	u.wake(wake...)
}

func (u *user) End(id transport.LegID, err *transport.Error) {
	u.mu.Lock()
	k := u.legs[id]
	delete(u.legs, id)
	lost := u.shake == id || u.connect == id
	if u.shake == id {
		u.shake = 0
	}
	if u.connect == id {
		u.connect, u.wanted, u.zero = 0, "", true
	}
	if err != nil {
		u.record.ends = append(u.record.ends, err)
	}
	elsewhere := err != nil && err.RetryNow
	switch {
	case elsewhere:
		u.waits = false
	case lost, err != nil && (k == nil || !k.cut):
		u.back(pause)
	}
	u.mu.Unlock()
	if elsewhere {
		u.wake(transport.LaneCommands, transport.LaneConnect)
	}
}

// back makes a pause; it is called with the mutex held.
func (u *user) back(d time.Duration) {
	if u.waits {
		return
	}
	u.waits = true
	u.record.failures++
	time.AfterFunc(d, func() {
		u.mu.Lock()
		u.waits = false
		u.mu.Unlock()
		u.wake(transport.LaneCommands, transport.LaneConnect)
	})
}

func (u *user) wake(lanes ...transport.Lane) {
	for _, l := range lanes {
		u.pipe.Wake(l)
	}
}

// publish sends something and returns its id.
func (u *user) publish() string {
	u.mu.Lock()
	u.seq++
	id := strconv.Itoa(u.seq)
	u.queue = append(u.queue, bayeux.Message{ID: id, Channel: "/a", Data: []byte("1")})
	u.mu.Unlock()
	u.wake(transport.LaneCommands)
	return id
}

// saw returns what the user saw so far.
func (u *user) saw() record {
	u.mu.Lock()
	defer u.mu.Unlock()
	r := u.record
	r.replies = map[string]sighting{}
	for k, v := range u.record.replies {
		r.replies[k] = v
	}
	return r
}
