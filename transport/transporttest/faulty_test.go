package transporttest

import (
	"net/http"
	"sync"
	"sync/atomic"

	"github.com/turold/turold/bayeux"
	"github.com/turold/turold/transport"
	"github.com/turold/turold/transport/longpoll"
)

// A fault makes a bad pipe of a good one: nil members change nothing.
type fault struct {
	open    func(f *faulty)
	next    func(f *faulty, lane transport.Lane, leg transport.Leg) []bayeux.Message
	receive func(f *faulty, id transport.LegID, ms []bayeux.Message)
	end     func(f *faulty, id transport.LegID, err *transport.Error)
	wake    func(f *faulty, lane transport.Lane)
	cut     func(f *faulty, id transport.LegID, cause error)
	drain   func(f *faulty, id transport.LegID)
	close   func(f *faulty) error
}

// A faulty pipe is a Handler to the good pipe and a Transport to the suite.
type faulty struct {
	transport.Transport
	fault
	s       *transport.SessionConfig
	h       transport.Handler
	pool    *http.Transport // nil: the good pipe's own
	drawing atomic.Int32
	closed  atomic.Bool
	mu      sync.Mutex
	rest    []bayeux.Message
	shared  []byte
	out     map[transport.LegID]bool
	breach  atomic.Pointer[string] // what the referee said
}

func (f fault) opener(made **faulty) transport.Opener {
	return func(s *transport.SessionConfig, h transport.Handler) transport.Transport {
		b := &faulty{fault: f, s: s, h: h, out: map[transport.LegID]bool{}}
		*made = b
		if f.open != nil {
			f.open(b)
		}
		b.Transport = longpoll.Open(s, b)
		return b
	}
}

// judged takes the referee's panic on the pipe's goroutine for a verdict.
func (f *faulty) judged() {
	if p, ok := recover().(string); ok {
		f.breach.Store(&p)
	}
}

func (f *faulty) Next(lane transport.Lane, leg transport.Leg) (b []bayeux.Message) {
	defer f.judged()
	f.drawing.Add(1)
	defer f.drawing.Add(-1)
	if f.fault.next != nil {
		return f.fault.next(f, lane, leg)
	}
	return f.h.Next(lane, leg)
}

func (f *faulty) Receive(id transport.LegID, ms []bayeux.Message) {
	defer f.judged()
	if f.fault.receive != nil {
		f.fault.receive(f, id, ms)
		return
	}
	f.h.Receive(id, ms)
}

func (f *faulty) End(id transport.LegID, err *transport.Error) {
	defer f.judged()
	if f.fault.end != nil {
		f.fault.end(f, id, err)
		return
	}
	f.h.End(id, err)
}

func (f *faulty) Wake(lane transport.Lane) {
	if f.fault.wake != nil {
		f.fault.wake(f, lane)
		return
	}
	f.Transport.Wake(lane)
}

func (f *faulty) Cut(id transport.LegID, cause error) {
	if f.fault.cut != nil {
		f.fault.cut(f, id, cause)
		return
	}
	f.Transport.Cut(id, cause)
}

func (f *faulty) Drain(id transport.LegID) {
	if f.fault.drain != nil {
		f.fault.drain(f, id)
		return
	}
	f.Transport.Drain(id)
}

func (f *faulty) Close() error {
	if f.fault.close != nil {
		return f.fault.close(f)
	}
	defer f.closed.Store(true)
	if f.pool != nil {
		defer f.pool.CloseIdleConnections()
	}
	return f.Transport.Close()
}

// oneConnection makes all requests share it.
func oneConnection(f *faulty) {
	f.pool = longpoll.NewRoundTripper(f.s.Shared)
	f.pool.MaxConnsPerHost = 1
	f.s.Shared.RoundTripper = f.pool
}
