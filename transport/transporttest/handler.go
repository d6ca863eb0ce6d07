package transporttest

import (
	"slices"
	"sync"
	"time"

	"github.com/turold/turold/bayeux"
	"github.com/turold/turold/transport"
)

// A Handler is a scripted [transport.Handler]: it gives out the batches it was
// told to, and records every call. The zero value is ready. It wakes no pipe:
// the test does. Safe for concurrent use; make it inside the synctest bubble
// it is used in.
type Handler struct {
	// Called inside the method of that name, before it does anything, without a
	// lock. Nil: nothing is called. Set them before the first Wake.
	OnNext    func(transport.Lane, transport.Leg)
	OnReceive func(transport.LegID, []bayeux.Message)
	OnEnd     func(transport.LegID, *transport.Error)

	mu      sync.Mutex
	queue   [2][]func(transport.Leg) []bayeux.Message
	record  Record
	changed chan struct{} // closed at the next change; nil: no Await waits
}

// A Record is what a pipe did so far, in the order of the calls.
type Record struct {
	Asked    [2]int    // calls of Next by lane, those that were given nothing included
	Draws    []Draw    // calls of Next that were given a batch
	Receipts []Receipt // calls of Receive
	Ends     []End     // calls of End
}

// A Draw is one batch that was given out.
type Draw struct {
	Lane  transport.Lane
	Leg   transport.Leg
	Batch []bayeux.Message
	At    time.Time
}

// A Receipt is one frame or body that was handed up.
type Receipt struct {
	Leg      transport.LegID
	Messages []bayeux.Message
	At       time.Time
}

// An End is the end of one leg.
type End struct {
	Leg transport.LegID
	Err *transport.Error // nil: in order
	At  time.Time
}

// Queue adds one batch to what Next gives out on the lane.
func (h *Handler) Queue(lane transport.Lane, batch ...bayeux.Message) {
	h.QueueFunc(lane, func(transport.Leg) []bayeux.Message { return batch })
}

// QueueFunc adds one batch that is made for the leg that draws it. If f returns
// nil, Next gives nothing this time and f is asked again at the next. It is
// called without a lock.
func (h *Handler) QueueFunc(lane transport.Lane, f func(transport.Leg) []bayeux.Message) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.queue[lane] = append(h.queue[lane], f)
}

// Next gives the oldest batch of the lane.
func (h *Handler) Next(lane transport.Lane, leg transport.Leg) []bayeux.Message {
	if h.OnNext != nil {
		h.OnNext(lane, leg)
	}
	batch := h.take(lane, leg)
	h.note(func(r *Record) {
		r.Asked[lane]++
		if batch != nil {
			r.Draws = append(r.Draws, Draw{lane, leg, batch, time.Now()})
		}
	})
	return batch
}

func (h *Handler) take(lane transport.Lane, leg transport.Leg) []bayeux.Message {
	h.mu.Lock()
	if len(h.queue[lane]) == 0 {
		h.mu.Unlock()
		return nil
	}
	f := h.queue[lane][0]
	h.queue[lane] = h.queue[lane][1:]
	h.mu.Unlock()
	batch := f(leg)
	if batch == nil {
		h.mu.Lock()
		h.queue[lane] = slices.Insert(h.queue[lane], 0, f)
		h.mu.Unlock()
	}
	return batch
}

// Receive records a frame or body.
func (h *Handler) Receive(id transport.LegID, ms []bayeux.Message) {
	if h.OnReceive != nil {
		h.OnReceive(id, ms)
	}
	h.note(func(r *Record) { r.Receipts = append(r.Receipts, Receipt{id, ms, time.Now()}) })
}

// End records the end of a leg.
func (h *Handler) End(id transport.LegID, err *transport.Error) {
	if h.OnEnd != nil {
		h.OnEnd(id, err)
	}
	h.note(func(r *Record) { r.Ends = append(r.Ends, End{id, err, time.Now()}) })
}

func (h *Handler) note(f func(*Record)) {
	h.mu.Lock()
	defer h.mu.Unlock()
	f(&h.record)
	if h.changed != nil {
		close(h.changed)
		h.changed = nil
	}
}

// Record returns what the pipe did so far.
func (h *Handler) Record() Record {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.snapshot()
}

func (h *Handler) snapshot() Record {
	return Record{
		Asked:    h.record.Asked,
		Draws:    slices.Clone(h.record.Draws),
		Receipts: slices.Clone(h.record.Receipts),
		Ends:     slices.Clone(h.record.Ends),
	}
}

// Await waits until ok says yes of the record, or for d; it returns the record
// it last looked at and whether ok said yes. It polls nothing: ok is asked
// once, and then after each call the pipe makes. In a synctest bubble d is
// virtual time.
func (h *Handler) Await(d time.Duration, ok func(Record) bool) (Record, bool) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	for late := false; ; {
		h.mu.Lock()
		if h.changed == nil {
			h.changed = make(chan struct{})
		}
		changed, r := h.changed, h.snapshot()
		h.mu.Unlock()
		if ok(r) {
			return r, true
		}
		if late {
			return r, false
		}
		select {
		case <-changed:
		case <-timer.C:
			late = true
		}
	}
}
