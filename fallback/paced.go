package fallback

import (
	"sync"
	"time"

	"github.com/turold/turold/bayeux"
	"github.com/turold/turold/internal/legs"
	"github.com/turold/turold/transport"
)

// A watch looks at the legs of one session, on both pipes and whichever the
// Mode: it asks for no longer hold than the way has been found to bear, and finds
// out. A cut counts once something else has got through within a moment: when
// the server is down for everyone there is nothing to be learnt.
type watch struct {
	mem   *Memory
	route route

	mu   sync.Mutex
	legs legs.Map[*legPace]
	cuts []cut // that nothing has got through after
}

// A legPace is a leg that carries something.
type legPace struct {
	life
	way  string
	kind pipe
	once bool
	held bool // a server may hold it
}

// A cut is a leg that something on the way may have ended.
type cut struct {
	*legPace
	at time.Time
}

// soon is how long after a cut something must get through for it to count.
const soon = 2 * time.Second

// A paced is the Handler of one pipe, under watch.
type paced struct {
	transport.Handler
	w    *watch
	kind pipe
}

// over puts a watch between an Opener's pipe and its Handler.
func (w *watch) over(kind pipe, open transport.Opener) transport.Opener {
	return func(s *transport.SessionConfig, h transport.Handler) transport.Transport {
		return open(s, &paced{Handler: h, w: w, kind: kind})
	}
}

// Next lowers the hold.
func (p *paced) Next(lane transport.Lane, leg transport.Leg) []bayeux.Message {
	now := time.Now()
	if lane == transport.LaneConnect { // commands are not held
		if d := p.w.mem.hold(p.w.route.way(), p.kind, now); d > 0 {
			leg.Hold = min(leg.Hold, d)
		}
	}
	batch := p.Handler.Next(lane, leg)
	if len(batch) > 0 {
		p.w.leaves(leg, p.kind, !prompt(batch), now)
	}
	return batch
}

// Receive takes down that something came. On a socket an event shows nothing of
// the way: a publisher chooses when it comes.
func (p *paced) Receive(id transport.LegID, ms []bayeux.Message) {
	p.w.arrives(id, p.kind == onHTTP || serverSpeaks(ms), time.Now())
	p.Handler.Receive(id, ms)
}

// End learns. A poll that was cut as others were before it is no outage.
func (p *paced) End(id transport.LegID, err *transport.Error) {
	if steady := p.w.ends(id, err, time.Now()); steady {
		e := *err
		e.RetryNow = true // nowhere else, but at once all the same
		err = &e
	}
	p.Handler.End(id, err)
}

func (w *watch) leaves(leg transport.Leg, kind pipe, held bool, now time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	l := w.legs.Get(leg.ID)
	if l == nil {
		l = &legPace{life: life{opened: now, heard: now}, way: w.route.way(), kind: kind, once: leg.Once}
		w.legs.Set(leg.ID, l)
	}
	l.held = held
	l.passes(false, now)
}

// arrives takes down that something came. Where that shows something, it confirms
// the cuts before it, and what it has outlived itself.
func (w *watch) arrives(id transport.LegID, shows bool, now time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	l := w.legs.Get(id)
	if l == nil {
		return
	}
	silence := l.passes(true, now)
	if !shows {
		return
	}
	if silence >= leastSilence {
		w.mem.borne(l.way, l.kind, silence, now)
	}
	if len(w.cuts) == 0 {
		return
	}
	var wait []cut
	for _, c := range w.cuts {
		switch {
		case now.Sub(c.at) > soon: // that was an outage
		case l.opened.Before(c.at): // it shows nothing of what can be opened now
			wait = append(wait, c)
		default:
			w.mem.cut(c)
		}
	}
	w.cuts = wait
}

// ends reports whether a poll ended as it had to.
func (w *watch) ends(id transport.LegID, err *transport.Error, now time.Time) (steady bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	l := w.legs.Get(id)
	w.legs.Delete(id)
	if l == nil || l.once && !l.held || !silenced(err) {
		return false
	}
	c := cut{l, now}
	w.cuts = append(w.cuts, c)
	return l.once && w.mem.expected(c)
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
