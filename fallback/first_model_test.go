package fallback

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/turold/turold/bayeux"
	"github.com/turold/turold/internal/mono"
	"github.com/turold/turold/transport"
)

// A firstModel is two pipes and a Handler that keep the contract and do otherwise
// whatever comes to mind, around a choice. It judges every step.
type firstModel struct {
	t     testing.TB
	first *wsFirst
	now   mono.Moment
	ids   transport.LegID

	dialling transport.LegID  // of the socket pipe; zero: none is
	sockets  []*firstModelLeg // open ones
	asking   bool             // the socket was woken
	lanes    [2]bool          // HTTP was woken
	posts    []*firstModelLeg
	carrier  string
	been     [firstClosed + 1]int // how many steps began in a place
	log      []string
}

type firstModelLeg struct {
	id            transport.LegID
	draining, cut bool
	drawing       bool
	carries       bool
	batch         []bayeux.Message // the last one given
	lane          transport.Lane
}

func newFirstModel(t testing.TB) *firstModel {
	return &firstModel{t: t, first: newWSFirst(3 * time.Second), now: epoch, ids: 100}
}

// step takes an event and plays what the choice wants.
func (m *firstModel) step(e event) effects {
	e.now = m.now
	from := m.first.phase
	m.been[from]++
	fx := m.first.step(typed(e))
	m.log = append(m.log, fmt.Sprintf("%s %d pipe %d leg %d err %v -> %s", from, e.kind, e.pipe, e.leg, e.err, says(m.first, fx)))
	for _, d := range fx.decisions {
		m.require(d.From == m.carrier && d.To != d.From && d.Transport == d.To && d.Reason != "", "a decision that is none")
		m.require((d.Err == nil) == (d.Reason == ReasonFirst || d.Reason == ReasonBack), "a decision and its evidence")
		m.carrier = d.To
	}
	for _, s := range m.sockets {
		s.cut = s.cut || s.id == fx.cutSocket
		s.draining = s.draining || s.id == fx.drainSocket
	}
	if w := fx.wake[socketPipe]; w[0] || w[1] {
		m.wakeSocket()
	}
	if fx.cutSocket|fx.drainSocket != 0 {
		m.step(event{kind: eventVacated})
	}
	m.lanes[0] = m.lanes[0] || fx.wake[httpPipe][0]
	m.lanes[1] = m.lanes[1] || fx.wake[httpPipe][1]
	if m.first.phase == httpTrying && from != httpTrying {
		m.require(fx.wake[httpPipe] == [2]bool{true, true}, "it turned to HTTP and did not wake it")
	}
	m.apart()
	return fx
}

// apart: never have both pipes something out.
func (m *firstModel) apart() {
	out := [2]int{}
	for _, s := range m.sockets {
		if s.drawing || s.carries {
			out[socketPipe]++
		}
	}
	for _, p := range m.posts {
		if p.drawing || p.carries {
			out[httpPipe]++
		}
	}
	m.require(out[socketPipe] == 0 || out[httpPipe] == 0, "both pipes carry")
}

func (m *firstModel) require(ok bool, what string) {
	if !ok {
		for _, l := range m.log {
			m.t.Log(l)
		}
		require.Fail(m.t, what)
	}
}

// wakeSocket is Wake on the socket pipe: it dials unless a socket may draw.
func (m *firstModel) wakeSocket() {
	m.asking = true
	if m.dialling == 0 && m.drawable() == nil {
		m.ids++
		m.dialling = m.ids
	}
}

func (m *firstModel) drawable() *firstModelLeg {
	for _, s := range m.sockets {
		if !s.draining && !s.cut {
			return s
		}
	}
	return nil
}

// ends ends a leg of either pipe, and lets the Handler do something meanwhile.
func (m *firstModel) ends(p pipe, id transport.LegID, err *transport.Error, shared bool, meanwhile func()) effects {
	fx := m.step(event{kind: eventEnd, pipe: p, leg: id, err: err, sameHost: shared})
	if fx.pass {
		meanwhile()
	}
	remove := func(all []*firstModelLeg) []*firstModelLeg {
		return slices.DeleteFunc(all, func(l *firstModelLeg) bool { return l.id == id })
	}
	m.sockets, m.posts = remove(m.sockets), remove(m.posts)
	m.step(event{kind: eventEndDelivered, pipe: p, leg: id})
	return fx
}

// asks has a leg ask; given is what the Handler gives if it is asked.
func (m *firstModel) asks(p pipe, l *firstModelLeg) bool {
	if !m.step(event{kind: eventAsk, pipe: p, leg: l.id}).pass {
		return false
	}
	l.drawing = true
	m.apart()
	return true
}

func (m *firstModel) gives(p pipe, l *firstModelLeg, b []bayeux.Message) {
	l.drawing = false
	if l.carries = l.carries || b != nil; b != nil {
		l.batch = b
	}
	m.step(event{kind: eventDrawn, pipe: p, leg: l.id, batch: b})
}
