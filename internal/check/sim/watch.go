package main

import (
	"errors"
	"strings"
	"sync"

	"github.com/turold/turold/bayeux"
	"github.com/turold/turold/fallback"
	"github.com/turold/turold/transport"
	"github.com/turold/turold/transport/longpoll"
	"github.com/turold/turold/transport/transporttest"
	"github.com/turold/turold/transport/websocket"
)

// opener makes the fallback with a watch above it and below it.
func (w *world) opener() transport.Opener {
	return func(s *transport.SessionConfig, h transport.Handler) transport.Transport {
		seen := &seen{w: w, out: map[transport.LegID]bool{}, trial: map[transport.LegID]string{}}
		p := fallback.Policy{Mode: w.mode, Memory: w.memory}
		below := fallback.New(p, transporttest.Check(under(seen, true, websocket.Open)), transporttest.Check(under(seen, false, longpoll.Open)), seen.decided)
		return transporttest.Check(func(s *transport.SessionConfig, h transport.Handler) transport.Transport {
			return below(s, &above{h, seen})
		})(s, h)
	}
}

// seen is what the moves of one session were.
type seen struct {
	w *world

	mu      sync.Mutex
	out     map[transport.LegID]bool   // with a connect of the client's that is not answered
	granted bool                       // a handshake was
	trial   map[transport.LegID]string // sockets: the id of the first connect; empty: none yet
	died    bool                       // a socket that served, and HTTP has not gone on yet
	aged    bool                       // a socket was left for its age, and none followed yet
}

// decided counts the decisions of the fallback.
func (s *seen) decided(d fallback.Decision) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.w.note("decision", d.From, d.To, string(d.Reason))
	if d.From == d.To {
		s.w.tally.count("move: verdict", 1)
		s.w.tally.count("verdict: "+string(d.Reason), 1)
		return
	}
	s.w.tally.count("decision: "+d.From+" > "+d.To+", "+string(d.Reason), 1)
	switch {
	case d.Reason == fallback.ReasonLifetime:
		s.w.tally.count("move: voluntary leave", 1)
		s.aged = true
	case s.aged && d.To == transport.WebSocket:
		s.w.tally.count("move: rotation", 1)
		s.aged = false
	}
}

// above is the Handler that the fallback sees: the client's.
type above struct {
	transport.Handler
	*seen
}

// Next sees to it that one connect is out at most.
func (a *above) Next(lane transport.Lane, leg transport.Leg) []bayeux.Message {
	batch := a.Handler.Next(lane, leg)
	a.mu.Lock()
	defer a.mu.Unlock()
	for i := range batch {
		switch batch[i].Channel {
		case bayeux.MetaHandshake:
			if a.granted {
				a.w.tally.count("move: re-handshake", 1)
			}
		case bayeux.MetaConnect:
			if len(a.out) > 0 {
				a.w.t.Errorf("a connect left on %d while one was out on %v", leg.ID, a.out)
			}
			a.out[leg.ID] = true
		}
	}
	return batch
}

func (a *above) Receive(id transport.LegID, ms []bayeux.Message) {
	a.mu.Lock()
	for i := range ms {
		switch m := &ms[i]; {
		case m.Channel == bayeux.MetaConnect:
			delete(a.out, id)
		case m.Channel == bayeux.MetaHandshake && m.Granted():
			a.granted = true
		}
	}
	a.mu.Unlock()
	a.Handler.Receive(id, ms)
}

func (a *above) End(id transport.LegID, err *transport.Error) {
	a.mu.Lock()
	delete(a.out, id)
	a.mu.Unlock()
	a.Handler.End(id, err)
}

// under makes a pipe with a watch over it.
func under(s *seen, socket bool, open transport.Opener) transport.Opener {
	return func(ts *transport.SessionConfig, h transport.Handler) transport.Transport {
		return open(ts, &pipe{h, s, socket})
	}
}

// A pipe is the Handler that a pipe sees: the fallback's. It tells trials of
// sockets from their service.
type pipe struct {
	transport.Handler
	*seen
	socket bool
}

// born and serves stand in the place of a connect's id.
const (
	born   = "born"   // a handshake left on the socket: nothing is moved
	serves = "serves" // the connect was granted
)

func (p *pipe) Next(lane transport.Lane, leg transport.Leg) []bayeux.Message {
	batch := p.Handler.Next(lane, leg)
	p.mu.Lock()
	defer p.mu.Unlock()
	for i := range batch {
		m := &batch[i]
		switch {
		case !p.socket && m.Channel == bayeux.MetaConnect && p.died:
			p.died = false
			p.w.tally.count("move: rescue", 1)
		case !p.socket:
		case m.Channel == bayeux.MetaHandshake:
			p.trial[leg.ID] = born
		case m.Channel != bayeux.MetaConnect:
		case strings.HasPrefix(m.Meta.ClientID, "nobody"):
			p.w.tally.count("move: probe", 1)
		case p.trial[leg.ID] == "":
			p.trial[leg.ID] = m.ID
		}
	}
	return batch
}

func (p *pipe) Receive(id transport.LegID, ms []bayeux.Message) {
	p.mu.Lock()
	for i := range ms {
		m := &ms[i]
		if !p.socket || m.Channel != bayeux.MetaConnect || m.ID != p.trial[id] {
			continue
		}
		switch p.trial[id] = serves; {
		case m.Granted():
			p.w.tally.count("move: up", 1)
		case errors.Is(m.Err(), bayeux.ErrUnknownSession):
			p.w.tally.count("move: 402 on adoption", 1)
			p.trial[id] = born
		}
	}
	p.mu.Unlock()
	p.Handler.Receive(id, ms)
}

func (p *pipe) End(id transport.LegID, err *transport.Error) {
	p.mu.Lock()
	switch p.trial[id] {
	case "", born:
	case serves:
		p.died = p.died || err != nil
	default:
		p.w.tally.count("move: failed adoption", 1)
	}
	delete(p.trial, id)
	p.mu.Unlock()
	p.Handler.End(id, err)
}
