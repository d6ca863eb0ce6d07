package fallback

import (
	"sync"
	"time"

	"github.com/turold/turold/bayeux"
	"github.com/turold/turold/internal/legs"
	"github.com/turold/turold/transport"
)

// A learner watches the legs of one session, on both pipes and in every Mode: it asks
// for no longer hold than the path has been found to bear, and finds that out. A cut
// counts once something else has got through within a moment: from a server that is
// down for everyone there is nothing to learn.
type learner struct {
	mem     *Memory
	pathKey pathKeyCache

	mu   sync.Mutex
	legs legs.Map[*watchedLeg]
	cuts []suspectedCut // after which nothing has got through yet
}

// A watchedLeg is a leg that carries something.
type watchedLeg struct {
	legLife
	pathKey   string
	pipe      pipe
	once      bool
	mayBeHeld bool // the server may hold it
}

// A suspectedCut is a leg that something on the way may have ended.
type suspectedCut struct {
	*watchedLeg
	at time.Time
}

// confirmWindow is how long after a cut something must get through for it to count.
const confirmWindow = 2 * time.Second

// A learningHandler is the Handler of one pipe, under a learner.
type learningHandler struct {
	transport.Handler
	w    *learner
	pipe pipe
}

// wrap puts a learner between an Opener's pipe and its Handler.
func (w *learner) wrap(kind pipe, open transport.Opener) transport.Opener {
	return func(s *transport.SessionConfig, h transport.Handler) transport.Transport {
		return open(s, &learningHandler{Handler: h, w: w, pipe: kind})
	}
}

// Next lowers the hold.
func (p *learningHandler) Next(lane transport.Lane, leg transport.Leg) []bayeux.Message {
	now := time.Now()
	if lane == transport.LaneConnect { // commands are not held
		if d := p.w.mem.holdLimit(p.w.pathKey.get(), p.pipe, now); d > 0 {
			leg.Hold = min(leg.Hold, d)
		}
	}
	batch := p.Handler.Next(lane, leg)
	if len(batch) > 0 {
		p.w.onSent(leg, p.pipe, !answeredAtOnce(batch), now)
	}
	return batch
}

// Receive notes that something came. On a socket an event shows nothing of the path:
// a publisher chooses when it comes.
func (p *learningHandler) Receive(id transport.LegID, ms []bayeux.Message) {
	p.w.onReceived(id, p.pipe == httpPipe || hasMeta(ms), time.Now())
	p.Handler.Receive(id, ms)
}

// End learns. A poll that was cut as others were before it is no outage.
func (p *learningHandler) End(id transport.LegID, err *transport.Error) {
	if steady := p.w.onEnded(id, err, time.Now()); steady {
		e := *err
		e.RetryNow = true // nowhere else, but at once all the same
		err = &e
	}
	p.Handler.End(id, err)
}

func (w *learner) onSent(leg transport.Leg, kind pipe, held bool, now time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	l := w.legs.Get(leg.ID)
	if l == nil {
		l = &watchedLeg{legLife: legLife{openedAt: now, trafficAt: now}, pathKey: w.pathKey.get(), pipe: kind, once: leg.Once}
		w.legs.Set(leg.ID, l)
	}
	l.mayBeHeld = held
	l.onTraffic(false, now)
}

// onReceived notes that something came. Where that shows something, it confirms
// the cuts before it, and what it has outlived itself.
func (w *learner) onReceived(id transport.LegID, shows bool, now time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	l := w.legs.Get(id)
	if l == nil {
		return
	}
	silence := l.onTraffic(true, now)
	if !shows {
		return
	}
	if silence >= minSilence {
		w.mem.recordSilence(l.pathKey, l.pipe, silence, now)
	}
	if len(w.cuts) == 0 {
		return
	}
	var wait []suspectedCut
	for _, c := range w.cuts {
		switch {
		case now.Sub(c.at) > confirmWindow: // that was an outage
		case l.openedAt.Before(c.at): // it shows nothing of what can be opened now
			wait = append(wait, c)
		default:
			w.mem.recordCut(c)
		}
	}
	w.cuts = wait
}

// onEnded reports whether a poll ended as it had to.
func (w *learner) onEnded(id transport.LegID, err *transport.Error, now time.Time) (steady bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	l := w.legs.Get(id)
	w.legs.Delete(id)
	if l == nil || l.once && !l.mayBeHeld || !mayBeCut(err) {
		return false
	}
	c := suspectedCut{l, now}
	w.cuts = append(w.cuts, c)
	return l.once && w.mem.expectsCut(c)
}

// mayBeCut reports whether a leg was ended by something on the way that may
// have found it too silent, or too old.
func mayBeCut(err *transport.Error) bool {
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
