package client

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/turold/turold/bayeux"
	"github.com/turold/turold/transport"
)

// checkInBubbles is rapid.Check with virtual time in each run.
func checkInBubbles(t *testing.T, f func(*rapid.T)) {
	t.Helper()
	rapid.Check(t, func(rt *rapid.T) {
		var failed any
		synctest.Test(t, func(*testing.T) {
			defer func() { failed = recover() }()
			f(rt)
		})
		if failed != nil {
			panic(failed) // which is how rapid stops a run
		}
	})
}

// A water is a network that delays, loses and doubles, with a server behind it,
// for models of what a client's commands lead to. It keeps the contract of
// transports and does otherwise what rapid wants.
type water struct {
	*rapid.T
	d   *Dialer
	h   transport.Handler
	c   *Client
	cut map[transport.LegID]error

	session string // that the server knows; empty: it has forgotten it
	born    int
	begins  func() // a session
	serves  func(r *flow)
	legs    []*waterLeg
	mu      sync.Mutex // guards cut and the log
	connect *waterLeg  // that holds the connect
	last    bool       // connects are advised not to come again
}

// A waterLeg is one that carries commands.
type waterLeg struct {
	transport.Leg
	asked   []flow
	answers []flow
	opened  time.Time
	held    string // the id of the connect that is out
	gone    time.Time
	last    time.Time // when what it holds arrives at the latest; zero: not known
	drawn   bool
	took    bool // the server took something of it
}

// A flow is a command, and the server's answers to it.
type flow struct {
	bayeux.Message
	left    time.Time
	answers []string
}

// newWater dials a session. The functions are told of each session that begins,
// and have the server take a command.
func newWater(t *rapid.T, begins func(), serves func(*flow)) *water {
	w := &water{T: t, cut: map[transport.LegID]error{}, begins: begins, serves: serves}
	w.d = &Dialer{Open: func(_ *transport.SessionConfig, h transport.Handler) transport.Transport {
		w.h = h
		return (*waterPipe)(w)
	}}
	done := make(chan error, 1)
	go func() {
		var err error
		w.c, err = w.d.Dial(context.Background(), "http://server/cometd", &Options{Backoff: func(int, time.Duration) time.Duration { return 300 * time.Millisecond }})
		done <- err
	}()
	synctest.Wait()
	w.draw(w.leg(true))
	require.NoError(t, <-done)
	return w
}

// waterPipe is the water as the client sees it.
type waterPipe water

func (p *waterPipe) Types() []string       { return []string{transport.WebSocket, transport.LongPolling} }
func (p *waterPipe) Wake(transport.Lane)   {}
func (p *waterPipe) Drain(transport.LegID) {}
func (p *waterPipe) Check()                {}
func (p *waterPipe) Close() error          { return nil }
func (p *waterPipe) Cut(id transport.LegID, cause error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.cut[id] = cause
}

func (w *water) note(format string, args ...any) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.Logf("%s %s", time.Now().Format("04:05.000"), fmt.Sprintf(format, args...))
}

func (w *water) leg(once bool) *waterLeg {
	l := &waterLeg{Leg: socket(), opened: time.Now()}
	if once {
		l.Leg = exchange()
	}
	w.legs = append(w.legs, l)
	return l
}

func (w *water) forget(l *waterLeg) {
	w.legs = slices.DeleteFunc(w.legs, func(x *waterLeg) bool { return x == l })
}

// live are the legs that have not ended.
func (w *water) live() (ls []*waterLeg) {
	for _, l := range w.legs {
		if l.gone.IsZero() {
			ls = append(ls, l)
		}
	}
	return ls
}

// any is one of the legs; nil: there is none.
func (w *water) any(ls []*waterLeg) *waterLeg {
	if len(ls) == 0 {
		return nil
	}
	return ls[rapid.IntRange(0, len(ls)-1).Draw(w.T, "leg")]
}

// draw has a leg draw commands. A handshake is granted at once.
func (w *water) draw(l *waterLeg) {
	if l.Once && l.drawn {
		return
	}
	ms := w.h.Next(transport.LaneCommands, l.Leg)
	if ms == nil {
		if l.Once {
			w.forget(l)
		}
		return
	}
	l.drawn = true
	for _, m := range ms {
		switch m.Channel {
		case bayeux.MetaHandshake:
			w.born++
			w.session = fmt.Sprintf("s%d", w.born)
			w.note("leg %d: new session %s", l.ID, w.session)
			w.begins()
			l.took = true
			w.say(l, fmt.Sprintf(`{"channel":"/meta/handshake","id":%q,"clientId":%q,"successful":true,"ext":{"ack":true}}`, m.ID, w.session))
			w.close(l)
		case bayeux.MetaConnect:
			l.held, l.took, w.connect = m.ID, true, l
		default:
			w.note("leg %d: %s %s leaves", l.ID, m.Channel, m.ID)
			l.asked = append(l.asked, flow{Message: m, left: time.Now()})
		}
	}
}

// close ends an exchange that was answered.
func (w *water) close(l *waterLeg) {
	if l.Once && l.gone.IsZero() {
		w.end(l, nil)
	}
}

func (w *water) end(l *waterLeg, err *transport.Error) {
	if l.held == "" || err != nil {
		w.note("leg %d ends: %v", l.ID, err)
	}
	l.gone = time.Now()
	if w.connect == l {
		w.connect = nil
	}
	w.h.End(l.ID, err)
	synctest.Wait()
}

func (w *water) say(l *waterLeg, bodies ...string) {
	ms, err := bayeux.Decode([]byte(batch(bodies...)), bayeux.Limits{})
	require.NoError(w, err)
	w.h.Receive(l.ID, ms)
	synctest.Wait()
}

// refuse is the answer to a command that is not done.
func (r *flow) refuse(text string) {
	r.answers = []string{fmt.Sprintf(`{"channel":%q,"id":%q,"successful":false,"error":%q%s}`, r.Channel, r.ID, text, r.subscription())}
}

// grant is the answer to a command that is done.
func (r *flow) grant() {
	r.answers = []string{fmt.Sprintf(`{"channel":%q,"id":%q,"successful":true%s}`, r.Channel, r.ID, r.subscription())}
}

func (r *flow) subscription() string {
	if len(r.Meta.Subscription) == 0 {
		return ""
	}
	return fmt.Sprintf(`,"subscription":%q`, r.Meta.Subscription[0])
}

// take has the server take the oldest command of a leg.
func (w *water) take(l *waterLeg) {
	if len(l.asked) == 0 {
		return
	}
	r := l.asked[0]
	l.asked, l.took = l.asked[1:], true
	if r.Meta.ClientID != w.session {
		r.refuse("402::session_unknown")
	} else {
		w.serves(&r)
	}
	w.note("leg %d: the server takes %s %s, and says %s", l.ID, r.Channel, r.ID, strings.Join(r.answers, " and "))
	if l.gone.IsZero() {
		l.answers = append(l.answers, r)
	}
}

// answer hands up the oldest answer of a socket, or all of an exchange, so often.
func (w *water) answer(l *waterLeg, times int) {
	if len(l.answers) == 0 {
		return
	}
	n := 1
	if l.Once {
		n = len(l.answers)
	}
	var bodies []string
	for _, r := range l.answers[:n] {
		w.note("leg %d: the answer to %s comes %d times", l.ID, r.ID, times)
		for range times {
			bodies = append(bodies, r.answers...)
		}
	}
	all := l.answers[:n]
	l.answers = l.answers[n:]
	if times > 0 {
		w.say(l, bodies...)
		for _, r := range all {
			w.bound(r)
		}
	}
	w.close(l)
}

// bound says until when what left before r, on legs that were gone by then, arrives.
func (w *water) bound(r flow) {
	for _, l := range w.legs {
		if !l.gone.IsZero() && l.last.IsZero() && !l.gone.After(r.left) {
			l.last = time.Now().Add(w.c.options.NetworkDelay)
		}
	}
}
