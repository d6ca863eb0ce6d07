package fallback

import (
	"sync"
	"time"

	"github.com/turold/turold/bayeux"
	"github.com/turold/turold/transport"
)

// A paced is the Handler of a pipe, whichever the Mode: it asks for no longer
// hold than the path has been found to bear, and finds out.
type paced struct {
	transport.Handler
	mem  *Memory
	path func() string
	kind pipe

	mu   sync.Mutex
	legs map[transport.LegID]*legPace
}

// A legPace is a leg that carries something.
type legPace struct {
	life
	path string
	once bool
	held bool // a server may hold it
}

// pacing puts a paced between an Opener's pipe and its Handler.
func pacing(mem *Memory, kind pipe, open transport.Opener) transport.Opener {
	return func(s *transport.Session, h transport.Handler) transport.Transport {
		return open(s, &paced{Handler: h, mem: mem, path: pathTo(s), kind: kind, legs: map[transport.LegID]*legPace{}})
	}
}

// Next lowers the hold.
func (p *paced) Next(lane transport.Lane, leg transport.Leg) []bayeux.Message {
	now, path := time.Now(), p.path()
	if d := p.mem.hold(path, p.kind, now); d > 0 {
		leg.Hold = min(leg.Hold, d)
	}
	batch := p.Handler.Next(lane, leg)
	if len(batch) == 0 {
		return batch
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	l := p.legs[leg.ID]
	if l == nil {
		l = &legPace{life: life{opened: now, heard: now}, path: path, once: leg.Once}
		p.legs[leg.ID] = l
	}
	l.held = !prompt(batch)
	l.passes(false, now)
	return batch
}

// Receive takes down that something came.
func (p *paced) Receive(id transport.LegID, ms []bayeux.Message) {
	now := time.Now()
	p.mu.Lock()
	var path string
	var silence time.Duration
	if l := p.legs[id]; l != nil {
		path, silence = l.path, l.passes(true, now)
	}
	p.mu.Unlock()
	if silence >= leastSilence {
		p.mem.borne(path, p.kind, silence, now)
	}
	p.Handler.Receive(id, ms)
}

// End learns. A poll that was cut as others were before it is no outage.
func (p *paced) End(id transport.LegID, err *transport.Error) {
	p.mu.Lock()
	l := p.legs[id]
	delete(p.legs, id)
	p.mu.Unlock()
	if l == nil || l.once && !l.held || !silenced(err) {
		p.Handler.End(id, err)
		return
	}
	if steady := p.mem.ended(l, p.kind, time.Now()); steady && l.once {
		e := *err
		e.Elsewhere = true // nowhere else, but at once all the same
		err = &e
	}
	p.Handler.End(id, err)
}

// silenced reports whether a leg was ended by something on the way that may
// have found it too silent, or too old.
func silenced(err *transport.Error) bool {
	if err == nil {
		return false
	}
	switch err.Op {
	case "read", "write":
		return true
	case "close": // RFC 6455 section 7.4.1: going away, as a proxy that closes what is idle says
		return err.Status == 1001 || err.Status == 1005
	case "status":
		switch err.Status {
		case 408, 502, 503, 504, 524: // what proxies say that would not wait
			return true
		}
	}
	return false
}
