package client

import (
	"cmp"
	"slices"

	"github.com/turold/turold/bayeux"
	"github.com/turold/turold/internal/mono"
	"github.com/turold/turold/transport"
)

// An outbox holds the ops that are not settled: those that wait, in their order, and
// those that are out. It decides which may leave, and what becomes of those that get
// no reply; its owner sends and settles them.
type outbox struct {
	queue     []*op          // waiting, in order
	pending   map[string]*op // out, by id; nil: none, for a while
	lastOrder uint64         // is the order of the newest op
	nextCheck mono.Time      // is when the next deadline may pass, of what is pending or of a request; zero: there is none
	usage     Bound          // is what the ops take of the bound, waiting or out
	roomFreed chan struct{}  // is closed when an op was settled; nil: no caller waits for that

	requests  map[bayeux.Channel]*channelRequests // nil: none, for a while
	unflushed *unflushed                          // is for Flush; nil: no outcome was an error
}

// unsettled is how many ops there are.
func (o *outbox) unsettled() int { return len(o.queue) + len(o.pending) }

// releaseIdle lets go of the memory that an idle session need not keep.
func (o *outbox) releaseIdle() {
	if o.unsettled() == 0 {
		o.queue, o.pending = nil, nil
	}
	if len(o.requests) == 0 {
		o.requests = nil
	}
}

// newOp makes an op whose place is behind all others.
func (o *outbox) newOp(m bayeux.Message) *op {
	o.lastOrder++
	m.ID = newID()
	return &op{message: m, order: o.lastOrder, size: m.Size() + metaBytes, done: make(chan struct{})}
}

// enqueue puts an op at the end of the queue.
func (o *outbox) enqueue(p *op) { o.queue = append(o.queue, p) }

// hasRoom reports whether n messages of size bytes together fit into the bound. What is
// larger than the whole bound fits when nothing else is unsettled.
func (o *outbox) hasRoom(n, size int, bound Bound) bool {
	return o.usage.Messages == 0 || o.usage.Messages+n <= bound.Messages && o.usage.Bytes+cost(n, size) <= bound.Bytes
}

// count has an op count in the bound until it is settled.
func (o *outbox) count(p *op) {
	p.counted = true
	o.usage.Messages++
	o.usage.Bytes += p.cost()
}

// freed returns what is closed when there is room again.
func (o *outbox) freed() chan struct{} {
	if o.roomFreed == nil {
		o.roomFreed = make(chan struct{})
	}
	return o.roomFreed
}

// signalRoom wakes the callers that wait for room.
func (o *outbox) signalRoom() {
	if o.roomFreed != nil {
		close(o.roomFreed)
		o.roomFreed = nil
	}
}

// draw takes ops from the front of the queue, most of them at most and as many as fit
// into limit bytes, and calls leave with each. The first one leaves however large it is. A
// group that fits into limit bytes is not split.
func (o *outbox) draw(limit, most int, leave func(*op)) {
	room, n := limit, 0
	for most = min(most, len(o.queue)); n < most; n++ {
		p := o.queue[n]
		need := p.size
		if p.group != nil {
			need = p.group.size
		}
		if n > 0 && (p.size > room || need > room && need <= limit) {
			break
		}
		room -= p.size
		if p.group != nil {
			p.group.size -= p.size
			p.group = nil
		}
		leave(p)
	}
	clear(o.queue[:n])
	o.queue = o.queue[n:]
}

// onSent notes that an op leaves on a leg, and when its reply is due.
func (o *outbox) onSent(p *op, id transport.LegID, now, deadline mono.Time) {
	p.leg, p.deadline = id, deadline
	p.tries++
	if o.nextCheck.IsZero() {
		o.nextCheck = deadline
	}
	if o.pending == nil {
		o.pending = map[string]*op{}
	}
	o.pending[p.message.ID] = p
	if p.topic != "" {
		o.onRequestSent(p, id, now)
	}
}

// requeue puts ops that did not leave, or may leave again, where they were in
// the queue.
func (o *outbox) requeue(ops []*op) {
	if len(ops) == 0 {
		return
	}
	for _, p := range ops {
		delete(o.pending, p.message.ID)
		p.leg, p.attempt = 0, attempt{}
	}
	o.queue = append(ops, o.queue...)
	slices.SortFunc(o.queue, func(a, b *op) int { return cmp.Compare(a.order, b.order) })
}

// unqueue takes an op back that waits, and reports whether it did.
func (o *outbox) unqueue(p *op) bool {
	i := slices.Index(o.queue, p)
	if i < 0 {
		return false
	}
	o.queue = slices.Delete(o.queue, i, i+1)
	return true
}

// answered returns the op that m, which came on a leg, is the reply to; nil: it is
// the reply to none. Where unnamed is set the server gives its replies no ids.
func (o *outbox) answered(id transport.LegID, m *bayeux.Message, unnamed bool) (one *op) {
	if len(o.pending) == 0 {
		return nil
	}
	if m.ID != "" {
		if p := o.pending[m.ID]; p != nil {
			if q := p.wants(false); m.Answers(&q) {
				return p
			}
		}
		return nil
	}
	if m.IsEvent() && !unnamed {
		return nil
	}
	for _, p := range o.pending {
		q := p.wants(unnamed)
		if p.leg != id || !m.Answers(&q) {
			continue
		}
		if one != nil { // which of the two it answers cannot be told
			return nil
		}
		one = p
	}
	return one
}

// onSettled takes an op out, and keeps its outcome for Flush where that is an error that
// the sender does not get otherwise.
func (o *outbox) onSettled(p *op, err error) {
	delete(o.pending, p.message.ID)
	p.err = err
	if err != nil && p.counted && !p.awaited {
		o.recordFailure(failure{p.order, p.message.Channel, err})
	}
}

// free gives back what an op took of the bound.
func (o *outbox) free(p *op) {
	if p.counted {
		o.usage.Messages--
		o.usage.Bytes -= p.cost()
		o.signalRoom()
	}
}

// expired looks for replies that are late. Of an exchange the whole exchange is late,
// and to be cut; on a socket the one op is: it may leave again, or it is lost. The
// owner settles the lost ones, and then requeues those that may leave again.
func (o *outbox) expired(now mono.Time, isExchange func(transport.LegID) bool, known func(bayeux.Channel) bool) (cut []transport.LegID, again, lost []*op) {
	for _, p := range o.pending {
		switch {
		case now.Before(p.deadline):
			o.nextCheck = mono.Earliest(o.nextCheck, p.deadline)
			continue
		case isExchange(p.leg):
			cut = append(cut, p.leg)
			continue
		}
		p.mayHaveArrived = true
		if p.repeatable && p.mayResend(known) && (p.topic == "" || o.mayRequeue(p, false)) {
			p.err = ErrNoReply
			again = append(again, p)
		} else {
			lost = append(lost, p)
		}
	}
	return cut, again, lost
}

// onLegEnd takes the end of a leg, with err, for the ops that are out on it: those that
// may leave again wait in the queue again, and of the others, which are lost, err is why. It
// reports whether there were any ops on the leg.
func (o *outbox) onLegEnd(id transport.LegID, err *transport.Error, now mono.Time, known func(bayeux.Channel) bool) (lost []*op, carried bool) {
	o.onRequestsLegEnd(id, err, now)
	var back []*op
	for _, p := range o.pending {
		if p.leg != id {
			continue
		}
		carried = true
		p.leg, p.err = 0, causeOf(err)
		notTaken := isNotTaken(err, p)
		p.mayHaveArrived = p.mayHaveArrived || !notTaken
		switch {
		case p.abandoned, p.topic != "" && !o.mayRequeue(p, notTaken):
			lost = append(lost, p)
		case err != nil && err.Unsent, !notTaken && p.repeatable:
			back = append(back, p)
		case notTaken && (len(err.TooLarge) > 1 || p.mayResend(known)): // in smaller pieces, or another way
			back = append(back, p)
		default:
			lost = append(lost, p)
		}
	}
	o.requeue(back)
	return lost, carried
}

// isNotTaken reports whether a leg that ended with err proves that the server does
// not have what p sent on it.
func isNotTaken(err *transport.Error, p *op) bool {
	return err != nil && (err.Unsent || slices.Contains(err.TooLarge, p.message.ID))
}
