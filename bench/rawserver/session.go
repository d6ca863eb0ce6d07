package rawserver

import (
	"sync"
	"time"

	"github.com/turold/turold/bayeux"
)

// A session is one clientId.
type session struct {
	id     string
	script script

	mu      sync.Mutex
	socket  *socket // that carries it; nil: HTTP does
	held    string  // the id of the connect that is out; empty: none
	poll    chan []byte
	queue   []byte // events that wait, each with a comma
	batch   int    // acknowledged with the last connect
	ticking bool
	over    chan struct{}
}

// push sends an event as CometD does: on a socket at once, with the
// acknowledgement extension and by long-polling with the answer to a connect.
func (s *session) push(e []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.socket != nil && !s.script.ack {
		s.socket.write(array(append(e, ',')))
		return
	}
	s.queue = append(append(s.queue, e...), ',')
	if s.held != "" {
		s.answer()
	}
}

// answer answers the connect that is held. Called with the lock held.
func (s *session) answer() {
	b := array(connected(s.queue, s.held, s.next()))
	s.held, s.queue = "", nil
	if s.socket != nil {
		s.socket.write(b)
	} else {
		s.poll <- b
	}
}

// next is the number of the next batch to be acknowledged, 0 without.
func (s *session) next() int {
	if !s.script.ack {
		return 0
	}
	s.batch++
	return s.batch
}

// connect takes a connect that came on a socket, or by HTTP if that is nil. It
// returns the answer if it is there at once; otherwise, by HTTP, where it will be.
func (s *session) connect(m *bayeux.Message, on *socket, alone bool) (now []byte, later chan []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.socket = on
	asked := hold
	if a := m.Advice(); a != nil && a.Timeout != nil {
		asked = min(asked, *a.Timeout)
	}
	if !alone || asked == 0 || len(s.queue) > 0 {
		now = connected(s.queue, m.ID, s.next())
		s.queue = nil
		return now, nil
	}
	s.held, s.poll = m.ID, make(chan []byte, 1)
	id := m.ID
	if s.script.flood > 0 {
		s.flood()
		return nil, s.poll
	}
	time.AfterFunc(asked, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.held == id {
			s.answer()
		}
	})
	return nil, s.poll
}

// perAck is how many events a flood sends before it answers the connect.
const perAck = 1000

// flood begins to send all that is taken. Called with the lock held.
func (s *session) flood() {
	n := s.script.flood
	switch on := s.socket; {
	case on == nil:
		e := events(n)
		s.queue = append(e[1:len(e)-1], ',')
		s.answer()
	case s.script.ack:
		frame := events(n)
		for range max(perAck/n, 1) {
			on.write(frame)
		}
		s.answer()
	default:
		frame := on.frame(events(n))
		go func() {
			for on.send(frame) == nil {
			}
		}()
	}
}

// subscribed begins what comes without being asked.
func (s *session) subscribed() {
	if s.script.first {
		s.push(event(time.Now().UnixNano()))
	}
	if s.script.after {
		time.AfterFunc(time.Millisecond, func() { s.push(event(time.Now().UnixNano())) })
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.script.tick == 0 || s.ticking {
		return
	}
	s.ticking = true
	go func() {
		t := time.NewTicker(s.script.tick)
		defer t.Stop()
		for {
			select {
			case <-t.C:
				s.push(event(time.Now().UnixNano()))
			case <-s.over:
				return
			}
		}
	}()
}
