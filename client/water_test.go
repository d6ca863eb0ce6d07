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

// late has what a leg that is gone still holds arrive, or not.
func (w *water) late(l *waterLeg) {
	for len(l.asked) > 0 {
		if rapid.IntRange(0, 3).Draw(w.T, "lost") == 0 {
			l.asked = nil
			return
		}
		w.take(l)
	}
}

// pass lets time go by: what must arrive within it does, and connects are answered.
func (w *water) pass(d time.Duration) {
	end := time.Now().Add(d)
	for {
		first := end
		var due *waterLeg
		for _, l := range w.legs {
			if len(l.asked) > 0 && !l.last.IsZero() && !l.last.After(first) {
				first, due = l.last, l
			}
		}
		time.Sleep(time.Until(first) - 1)
		if due == nil {
			break
		}
		synctest.Wait()
		w.late(due)
	}
	time.Sleep(time.Until(end))
	synctest.Wait()
	if l := w.connect; l != nil && (w.session == "" || w.last || time.Since(l.opened) > 20*time.Second) {
		w.connect = nil
		switch {
		case w.session == "":
			w.say(l, fmt.Sprintf(`{"channel":"/meta/connect","id":%q,"successful":false,"error":"402::session_unknown","advice":{"reconnect":"handshake"}}`, l.held))
		case w.last:
			w.say(l, reply(bayeux.MetaConnect, l.held, `"advice":{"reconnect":"none"}`))
		default:
			w.say(l, reply(bayeux.MetaConnect, l.held))
		}
		if len(l.asked)+len(l.answers) == 0 {
			w.close(l)
		}
	}
	w.poll()
}

// poll sends the connect if one is due.
func (w *water) poll() {
	if w.connect != nil {
		return
	}
	l := w.leg(true)
	ms := w.h.Next(transport.LaneConnect, l.Leg)
	if ms == nil {
		w.forget(l)
		return
	}
	l.held, l.drawn, l.took, w.connect = ms[0].ID, true, true, l
}

// cuts ends what the client has cut.
func (w *water) cuts() {
	for _, l := range w.live() {
		w.mu.Lock()
		cause := w.cut[l.ID]
		w.mu.Unlock()
		if cause != nil {
			w.end(l, &transport.Error{Op: "cut", Err: cause})
		}
	}
}

// turn does one thing that may happen on a network, or to a server.
func (w *water) turn() {
	switch rapid.IntRange(0, 10).Draw(w.T, "network") {
	case 0, 1, 2:
		var l *waterLeg
		sockets := slices.DeleteFunc(w.live(), func(l *waterLeg) bool { return l.Once })
		free := !slices.ContainsFunc(w.live(), func(l *waterLeg) bool { return l.Once && l != w.connect })
		switch {
		case len(sockets) > 0 && rapid.Bool().Draw(w.T, "old"):
			l = w.any(sockets)
		case free && rapid.Bool().Draw(w.T, "http"):
			l = w.leg(true)
		default:
			l = w.leg(false)
		}
		w.draw(l)
	case 3, 4:
		if l := w.any(w.legs); l != nil {
			w.take(l)
		}
	case 5, 6:
		if l := w.any(w.live()); l != nil {
			w.answer(l, 1)
		}
	case 7:
		if l := w.any(w.live()); l != nil {
			w.answer(l, rapid.SampledFrom([]int{0, 2}).Draw(w.T, "times"))
		}
	case 8:
		if l := w.any(w.live()); l != nil {
			w.breaks(l)
		}
	case 9:
		w.pass(time.Duration(rapid.IntRange(1, 15_000).Draw(w.T, "ms")) * time.Millisecond)
	case 10:
		if rapid.IntRange(0, 4).Draw(w.T, "forgets") == 0 {
			w.note("the server forgets the session")
			w.session = ""
			w.begins()
		}
	}
	synctest.Wait()
	if rapid.Bool().Draw(w.T, "cuts") {
		w.cuts()
	}
	w.poll()
}

// breaks ends a leg, and says what is known of what left on it.
func (w *water) breaks(l *waterLeg) {
	err := reset(false)
	if !l.took {
		switch rapid.IntRange(0, 3).Draw(w.T, "known") {
		case 0:
			l.asked, err.Unsent = nil, true
		case 1:
			for _, r := range l.asked {
				err.TooLarge = append(err.TooLarge, r.ID)
			}
			l.asked = nil
		}
	}
	w.end(l, err)
}

// work lets some seconds pass in which the network does what it should, by way
// of *leg, or another of its kind.
func (w *water) work(leg **waterLeg) {
	for range 8 {
		w.cuts()
		if l := *leg; !l.gone.IsZero() || l.Once && l.drawn {
			*leg = w.leg(l.Once)
		}
		once := (*leg).Once
		w.draw(*leg)
		if !slices.Contains(w.legs, *leg) {
			*leg = w.leg(once)
		}
		for _, l := range w.live() {
			for len(l.asked) > 0 {
				w.take(l)
			}
			for len(l.answers) > 0 && l.gone.IsZero() {
				w.answer(l, 1)
			}
		}
		w.pass(500 * time.Millisecond)
	}
}
