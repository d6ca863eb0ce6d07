package fallback

import (
	"slices"
	"time"

	"github.com/turold/turold/bayeux"
	"github.com/turold/turold/internal/mono"
	"github.com/turold/turold/transport"
)

// act does the n-th thing that can happen now. Which numbers mean what does not
// matter, only that all of it comes up.
func (m *firstModel) act(n, arg int) {
	nothing := func() {}
	wake := func() { m.step(event{kind: eventWake, lane: transport.Lane(arg % 2)}) }
	b := m.batch(arg)
	switch n % 12 {
	case 0:
		wake()
	case 1: // a socket opens
		if m.dialling != 0 {
			m.sockets = append(m.sockets, &firstModelLeg{id: m.dialling})
			m.dialling, m.asking = 0, true
		}
	case 2: // or does not
		if id := m.dialling; id != 0 {
			m.dialling = 0
			op := []string{"dial", "tls", "proxy", "upgrade", "read", "cut"}[arg%6]
			m.ends(socketPipe, id, fails(op, arg%3*200), arg%2 == 0, wake)
		}
	case 3: // the socket asks
		if s := m.drawable(); s != nil && m.asking && !s.drawing {
			m.asking = false
			m.asks(socketPipe, s)
		}
	case 4: // and is answered
		for _, s := range m.sockets {
			if s.drawing {
				m.gives(socketPipe, s, b)
				m.asking = m.asking || b != nil
				return
			}
		}
	case 5: // HTTP asks
		lane := arg % 2
		if busy := slices.ContainsFunc(m.posts, func(l *firstModelLeg) bool { return int(l.lane) == lane }); m.lanes[lane] && !busy {
			m.lanes[lane] = false
			m.ids++
			l := &firstModelLeg{id: m.ids, lane: transport.Lane(lane)}
			if m.asks(httpPipe, l) {
				m.posts = append(m.posts, l)
			}
		}
	case 6: // and is answered
		for i, l := range m.posts {
			if l.drawing {
				if b == nil {
					m.posts = slices.Delete(m.posts, i, i+1)
				}
				m.gives(httpPipe, l, b)
				return
			}
		}
	case 7: // something comes on a socket
		if len(m.sockets) > 0 {
			s := m.sockets[arg%len(m.sockets)]
			ms, at := m.reply(arg, s), m.first.phase
			fx := m.step(event{kind: eventReceive, pipe: socketPipe, leg: s.id, batch: ms})
			if ms[0].Channel == "/a" {
				m.require(m.first.phase == at && fx.decisions == nil, "an event decides")
			}
		}
	case 8: // a socket ends; who carried nothing may end without a word
		if len(m.sockets) > 0 {
			s := m.sockets[arg%len(m.sockets)]
			switch {
			case s.drawing:
			case !s.carries && arg%3 == 0:
				m.sockets = slices.DeleteFunc(m.sockets, func(l *firstModelLeg) bool { return l == s })
			default:
				m.ends(socketPipe, s.id, m.endOf(s, arg), true, nothing)
			}
		}
	case 9: // an exchange ends, answered or not
		for _, l := range m.posts {
			if !l.drawing && arg%3 > 0 {
				lane := l.lane
				m.lanes[lane] = true // it draws again
				if arg%3 == 1 {
					m.step(event{kind: eventReceive, pipe: httpPipe, leg: l.id, batch: m.reply(arg, l)})
					m.ends(httpPipe, l.id, nil, true, wake)
				} else {
					m.ends(httpPipe, l.id, fails("dial", 0), true, wake)
				}
				return
			}
		}
	case 10: // the Handler gives a leg up
		if len(m.sockets) > 0 {
			s := m.sockets[arg%len(m.sockets)]
			s.cut = s.cut || arg%2 == 0
			s.draining = true
			m.step(event{kind: eventDropped, leg: s.id})
		}
	case 11:
		m.pass(time.Duration(arg%40) * 100 * time.Millisecond)
	}
}

// pass lets time pass, and the timer fire.
func (m *firstModel) pass(d time.Duration) {
	m.now = mono.Of(m.now.Wall.Add(d))
	if at := m.first.patienceEndAt; !at.IsZero() && !m.now.Before(at) {
		m.step(event{kind: eventTimer})
		at = m.first.timerAt()
		m.require(at.IsZero() || at.After(m.now.Time), "the time is told and nothing comes of it")
	}
}

func (m *firstModel) batch(arg int) []bayeux.Message {
	return [][]bayeux.Message{nil, batch(m.t, handshake), batch(m.t, atOnce), batch(m.t, held), nil}[arg%5]
}

func (m *firstModel) reply(arg int, l *firstModelLeg) []bayeux.Message {
	if !l.carries {
		return batch(m.t, pushed)
	}
	asked := l.batch[0]
	if arg%7 == 0 {
		return batch(m.t, imitation(arg/7, asked.ID, asked.Channel))
	}
	ms := batch(m.t, []string{unknown, again, connectOK, pushed}[arg%4])
	if asked.Channel == bayeux.MetaHandshake {
		ms = batch(m.t, []string{granted, grantedHTTP, denied, pushed}[arg%4])
	}
	if !ms[0].IsEvent() {
		ms[0].ID = asked.ID
	}
	return ms
}

func (m *firstModel) endOf(s *firstModelLeg, arg int) *transport.Error {
	switch {
	case s.cut:
		return fails("cut", 0)
	case s.draining && arg%2 == 0:
		return nil
	}
	return fails([]string{"read", "write", "close", "decode", "ping"}[arg%5], 0)
}
