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

// A model is two pipes and a Handler that keep the contract and do otherwise
// whatever comes to mind, around a choice. It judges every step.
type model struct {
	t   testing.TB
	c   *choice
	now mono.Moment
	ids transport.LegID

	dialling transport.LegID // of the socket pipe; zero: none is
	sockets  []*modelLeg     // open ones
	asking   bool            // the socket was woken
	lanes    [2]bool         // HTTP was woken
	posts    []*modelLeg
	carrier  string
	been     [closed + 1]int // how many steps began in a place
	log      []string
}

type modelLeg struct {
	id            transport.LegID
	draining, cut bool
	drawing       bool
	carries       bool
	batch         []bayeux.Message // the last one given
	lane          transport.Lane
}

func newModel(t testing.TB) *model {
	return &model{t: t, c: newChoice(3 * time.Second), now: epoch, ids: 100}
}

// step takes an event and plays what the choice wants.
func (m *model) step(e event) effects {
	e.now = m.now
	from := m.c.at
	m.been[from]++
	fx := m.c.step(e)
	m.log = append(m.log, fmt.Sprintf("%s %d pipe %d leg %d err %v -> %s", from, e.kind, e.pipe, e.leg, e.err, says(m.c, fx)))
	for _, d := range fx.told {
		m.require(d.From == m.carrier && d.To != d.From && d.Transport == d.To && d.Reason != "", "a decision that is none")
		m.require((d.Err == nil) == (d.Reason == ReasonFirst || d.Reason == ReasonBack), "a decision and its evidence")
		m.carrier = d.To
	}
	for _, s := range m.sockets {
		s.cut = s.cut || s.id == fx.cut
		s.draining = s.draining || s.id == fx.drain
	}
	if w := fx.wake[onSocket]; w[0] || w[1] {
		m.wakeSocket()
	}
	if fx.cut|fx.drain != 0 {
		m.step(event{kind: vacated})
	}
	m.lanes[0] = m.lanes[0] || fx.wake[onHTTP][0]
	m.lanes[1] = m.lanes[1] || fx.wake[onHTTP][1]
	if m.c.at == trying && from != trying {
		m.require(fx.wake[onHTTP] == [2]bool{true, true}, "it turned to HTTP and did not wake it")
	}
	m.apart()
	return fx
}

// apart: never have both pipes something out.
func (m *model) apart() {
	out := [2]int{}
	for _, s := range m.sockets {
		if s.drawing || s.carries {
			out[onSocket]++
		}
	}
	for _, p := range m.posts {
		if p.drawing || p.carries {
			out[onHTTP]++
		}
	}
	m.require(out[onSocket] == 0 || out[onHTTP] == 0, "both pipes carry")
}

func (m *model) require(ok bool, what string) {
	if !ok {
		for _, l := range m.log {
			m.t.Log(l)
		}
		require.Fail(m.t, what)
	}
}

// wakeSocket is Wake on the socket pipe: it dials unless a socket may draw.
func (m *model) wakeSocket() {
	m.asking = true
	if m.dialling == 0 && m.drawable() == nil {
		m.ids++
		m.dialling = m.ids
	}
}

func (m *model) drawable() *modelLeg {
	for _, s := range m.sockets {
		if !s.draining && !s.cut {
			return s
		}
	}
	return nil
}

// ends ends a leg of either pipe, and lets the Handler do something meanwhile.
func (m *model) ends(p pipe, id transport.LegID, err *transport.Error, shared bool, meanwhile func()) effects {
	fx := m.step(event{kind: ended, pipe: p, leg: id, err: err, shared: shared})
	if fx.pass {
		meanwhile()
	}
	remove := func(all []*modelLeg) []*modelLeg {
		return slices.DeleteFunc(all, func(l *modelLeg) bool { return l.id == id })
	}
	m.sockets, m.posts = remove(m.sockets), remove(m.posts)
	m.step(event{kind: passed, pipe: p, leg: id})
	return fx
}

// asks has a leg ask; given is what the Handler gives if it is asked.
func (m *model) asks(p pipe, l *modelLeg) bool {
	if !m.step(event{kind: asks, pipe: p, leg: l.id}).pass {
		return false
	}
	l.drawing = true
	m.apart()
	return true
}

func (m *model) gives(p pipe, l *modelLeg, b []bayeux.Message) {
	l.drawing = false
	if l.carries = l.carries || b != nil; b != nil {
		l.batch = b
	}
	m.step(event{kind: drew, pipe: p, leg: l.id, batch: b})
}
