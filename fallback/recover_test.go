package fallback

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/turold/turold/internal/mono"
	"github.com/turold/turold/transport"
)

// A world is what the network does from now on.
type worldly uint8

const (
	clear_   worldly = iota // all is well
	refusing                // upgrades are refused
	hanging                 // sockets do not open
	muted                   // they open, and nothing is answered
	websocks                // HTTP fails
)

// recovers plays on with a Handler that has a message to send, in a world that
// stays as it is, until the message is answered.
func (m *firstModel) recovers(w worldly) {
	m.finish()
	for round := range 12 {
		m.step(event{kind: eventWake, lane: transport.LaneCommands}) // the Handler's next attempt
		if m.settle(w) {
			return
		}
		m.log = append(m.log, fmt.Sprint("round ", round))
		m.now = mono.Of(m.now.Wall.Add(time.Second))
	}
	m.require(false, fmt.Sprint("stuck, in world ", w))
}

// finish ends what is going on.
func (m *firstModel) finish() {
	for _, s := range slices.Clone(m.sockets) {
		if s.drawing {
			m.gives(socketPipe, s, nil)
		}
		if s.cut || s.draining {
			m.ends(socketPipe, s.id, fails("cut", 0), true, func() {})
		}
	}
	for _, l := range slices.Clone(m.posts) {
		if l.drawing {
			m.gives(httpPipe, l, nil)
		}
		m.ends(httpPipe, l.id, fails("read", 0), true, func() {})
	}
	m.posts = nil
}

// settle plays one attempt in a world and reports whether it was answered.
func (m *firstModel) settle(w worldly) bool {
	b := batch(m.t, atOnce)
	for range 20 {
		s := m.drawable()
		switch {
		case m.dialling != 0 && (w == clear_ || w == muted || w == websocks):
			m.act(1, 0)
		case m.dialling != 0 && w == refusing:
			id := m.dialling
			m.dialling = 0
			m.ends(socketPipe, id, fails("upgrade", 403), true, func() {})
		case s != nil && m.asking:
			m.asking = false
			if m.asks(socketPipe, s) {
				m.gives(socketPipe, s, b)
			}
		case s != nil && s.carries && (w == clear_ || w == websocks):
			m.step(event{kind: eventReceive, pipe: socketPipe, leg: s.id, batch: batch(m.t, atOnceOK)})
			return true
		case s != nil && s.carries && m.first.phase == socketServing: // its connection dies, and the Handler tries again
			m.ends(socketPipe, s.id, fails("ping", 0), true, func() {})
			m.step(event{kind: eventWake, lane: transport.LaneCommands})
		case m.first.patienceEndAt.After(m.now.Time):
			m.pass(m.first.patienceEndAt.Sub(m.now.Time))
		case m.lanes[0]:
			m.lanes[0] = false
			m.ids++
			l := &firstModelLeg{id: m.ids}
			if !m.asks(httpPipe, l) {
				continue
			}
			m.posts = append(m.posts, l)
			m.gives(httpPipe, l, b)
			if w == websocks {
				m.ends(httpPipe, l.id, fails("status", 403), true, func() {})
				continue
			}
			m.step(event{kind: eventReceive, pipe: httpPipe, leg: l.id, batch: batch(m.t, atOnceOK)})
			m.ends(httpPipe, l.id, nil, true, func() {})
			return true
		default:
			m.finish()
			return false
		}
		m.finishCut()
	}
	return false
}

// finishCut ends the sockets that are cut or drained.
func (m *firstModel) finishCut() {
	for _, s := range slices.Clone(m.sockets) {
		if s.cut || s.draining {
			m.ends(socketPipe, s.id, fails("cut", 0), true, func() {})
		}
	}
}

// play acts by a script and then lets the world settle.
func (m *firstModel) play(script []byte) {
	for i := 0; i+1 < len(script); i += 2 {
		m.act(int(script[i]), int(script[i+1]))
	}
	world := worldly(len(script)/2) % 5
	if world == websocks && m.first.phase == httpServing {
		world = clear_ // who has once been answered by HTTP stays there
	}
	m.recovers(world)
}

func FuzzStep(f *testing.F) {
	f.Add([]byte{0, 0, 1, 0, 3, 0, 4, 1, 7, 0})
	f.Add([]byte{0, 0, 11, 39, 5, 0, 6, 1, 9, 1, 1, 0, 3, 0})
	f.Fuzz(func(t *testing.T, script []byte) { newFirstModel(t).play(script[:min(len(script), 2000)]) })
}

// TestModel plays many scripts, none of which misses a place.
func TestModel(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	var been [firstClosed]int
	for range 1500 {
		script := make([]byte, 2*(1+r.IntN(200)))
		for i := range script {
			script[i] = byte(r.Uint32())
		}
		m := newFirstModel(t)
		m.play(script)
		for p := range been {
			been[p] += m.been[p]
		}
	}
	for p, n := range been {
		require.Greater(t, n, 100, "hardly a script came to %s", firstPhase(p))
	}
}
