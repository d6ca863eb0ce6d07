package transporttest

import (
	"fmt"
	"sync"

	"github.com/turold/turold/bayeux"
	"github.com/turold/turold/transport"
)

// Check wraps an Opener so that a referee sees every call its Transport makes.
// The referee panics, on the goroutine of the call, when
//
//   - Next overlaps Next, or Receive overlaps Receive, on one leg
//   - anything overlaps or follows a leg's End
//   - a leg that is one exchange gives out a second batch
//   - End has an Error without Op or cause, or a leg is number zero
//   - a Handler method is called after Close returned, or runs while it returns
//   - a leg that carried a batch has not ended when Close returns
//
// It passes everything on unchanged and is safe for concurrent use.
func Check(open transport.Opener) transport.Opener {
	return func(s *transport.SessionConfig, h transport.Handler) transport.Transport {
		r := &referee{h: h, legs: map[transport.LegID]*record{}}
		return refereed{open(s, r), r}
	}
}

// refereed is the Transport with its Close watched.
type refereed struct {
	transport.Transport
	r *referee
}

func (t refereed) Close() error {
	err := t.Transport.Close()
	t.r.close()
	return err
}

// A referee is the Handler that the pipe sees.
type referee struct {
	h transport.Handler

	mu     sync.Mutex
	closed bool
	legs   map[transport.LegID]*record
}

// A record is what is known of one leg.
type record struct {
	once               bool
	next, receive, end int // calls that run now
	carried            int // batches
	ended              bool
}

func (r *referee) Next(lane transport.Lane, leg transport.Leg) []bayeux.Message {
	r.enter(leg.ID, "Next", func(l *record) string {
		l.once = leg.Once
		l.next++
		if l.next > 1 {
			return "overlaps another Next"
		}
		return ""
	})
	batch := r.h.Next(lane, leg)
	r.leave(leg.ID, "Next", func(l *record) string {
		l.next--
		if len(batch) > 0 {
			l.carried++
		}
		if l.once && l.carried > 1 {
			return "draws a second batch for one exchange"
		}
		return ""
	})
	return batch
}

func (r *referee) Receive(id transport.LegID, ms []bayeux.Message) {
	r.enter(id, "Receive", func(l *record) string {
		l.receive++
		if l.receive > 1 {
			return "overlaps another Receive"
		}
		return ""
	})
	r.h.Receive(id, ms)
	r.leave(id, "Receive", func(l *record) string { l.receive--; return "" })
}

func (r *referee) End(id transport.LegID, err *transport.Error) {
	r.enter(id, "End", func(l *record) string {
		l.end++
		l.ended = true
		switch {
		case l.next > 0:
			return "overlaps Next"
		case l.receive > 0:
			return "overlaps Receive"
		case err != nil && (err.Op == "" || err.Err == nil):
			return "has an Error without Op or cause"
		}
		return ""
	})
	r.h.End(id, err)
	r.leave(id, "End", func(l *record) string { l.end--; return "" })
}

// enter judges a call as it begins.
func (r *referee) enter(id transport.LegID, what string, f func(*record) string) {
	r.judge(id, what, func(l *record) string {
		switch {
		case r.closed:
			return "comes after Close returned"
		case id == 0:
			return "names no leg"
		case l.ended:
			return "comes after End"
		}
		return f(l)
	})
}

// leave judges a call as it returns.
func (r *referee) leave(id transport.LegID, what string, f func(*record) string) {
	r.judge(id, what, func(l *record) string {
		if bad := f(l); bad != "" {
			return bad
		}
		if r.closed {
			return "was still running when Close returned"
		}
		return ""
	})
}

func (r *referee) judge(id transport.LegID, what string, f func(*record) string) {
	r.mu.Lock()
	l := r.legs[id]
	if l == nil {
		l = &record{}
		r.legs[id] = l
	}
	bad := f(l)
	r.mu.Unlock()
	if bad != "" {
		panic(fmt.Sprintf("transporttest: %s on leg %d %s", what, id, bad))
	}
}

// close takes note that Close returned, and looks for what is left.
func (r *referee) close() {
	r.mu.Lock()
	r.closed = true
	bad := ""
	for id, l := range r.legs {
		switch {
		case l.next+l.receive+l.end > 0:
			bad = fmt.Sprintf("transporttest: Close returned while a call on leg %d runs", id)
		case l.carried > 0 && !l.ended:
			bad = fmt.Sprintf("transporttest: Close returned and leg %d, which carried a batch, has not ended", id)
		}
	}
	r.mu.Unlock()
	if bad != "" {
		panic(bad)
	}
}
