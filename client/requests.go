package client

import (
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/turold/turold/bayeux"
	"github.com/turold/turold/internal/mono"
	"github.com/turold/turold/transport"
)

// channelRequests are the subscribes and unsubscribes of one channel, as long as one is
// not settled or may still change what the server has. The newest alone is sent
// again: an older one would undo it. A request that was sent before, on a leg that
// is gone, may lie in a proxy, or in front of a server that stands still. Then the
// client asks the server again for what the application wants; and if that was not
// what the old request asked for, once more NetworkDelay after the answer: what has
// not arrived by then is taken for lost.
type channelRequests struct {
	newest      *op           // nil: it is settled
	outstanding []sentRequest // in the order in which they left
	newestSent  uint64        // is the order of the newest that left
}

// A sentRequest is a subscribe or unsubscribe that left and was not answered; or it was
// granted when a newer one had left, which may have been refused, or taken before it.
type sentRequest struct {
	op        *op
	leg       transport.LegID // zero: it is gone
	at        mono.Time       // is when it left, and later when its leg was gone
	arrivedBy mono.Time       // is when the server has taken it, or never will; zero: not before it has answered something newer
	ambiguous bool            // another try of op on the leg was answered: a reply may be to either
}

// request queues a subscribe or unsubscribe, m, behind those before it. It returns the
// older request that it replaces, which the owner settles; nil: it replaces none.
func (o *outbox) request(ch bayeux.Channel, m bayeux.Message) (p, replaced *op) {
	r := o.requests[ch]
	if r == nil {
		if o.requests == nil {
			o.requests = map[bayeux.Channel]*channelRequests{}
		}
		r = new(channelRequests)
		o.requests[ch] = r
	}
	p = o.newOp(m)
	p.topic, p.repeatable = ch, true
	p.size += len(ch)
	old := r.newest
	r.newest = p
	if old != nil && old.mayHaveArrived && o.unqueue(old) {
		replaced = old
	} else {
		p.previous = old
	}
	o.enqueue(p)
	return p, replaced
}

// pendingSubscribe returns the subscribe under way that the application still wants;
// nil: there is none.
func (o *outbox) pendingSubscribe(ch bayeux.Channel) *op {
	if r := o.requests[ch]; r != nil && r.newest != nil && r.newest.isSubscribe() {
		return r.newest
	}
	return nil
}

// abandonSubscribe takes the newest request for a channel back if it never left. It
// returns the unsubscribe that is the newest then, if there is one, and reports whether
// the server was, or will be, asked for the channel.
func (o *outbox) abandonSubscribe(ch bayeux.Channel) (unsubscribe *op, asked bool) {
	r := o.requests[ch]
	if r == nil {
		return nil, false
	}
	o.takeBackNewest(r)
	if p := r.newest; p != nil && !p.isSubscribe() {
		return p, true
	}
	return nil, r.newest != nil || len(r.outstanding) > 0
}

// takeBackNewest takes the newest request back if it never left; the one before it, if
// that is not settled, is the newest again.
func (o *outbox) takeBackNewest(r *channelRequests) {
	p := r.newest
	if p == nil || p.mayHaveArrived || !o.unqueue(p) {
		return
	}
	r.newest = nil
	if before := p.previous; before != nil && !before.isSettled() {
		r.newest = before
	}
}

// onRequestSent notes that a request leaves on a leg.
func (o *outbox) onRequestSent(p *op, id transport.LegID, now mono.Time) {
	if r := o.requests[p.topic]; r != nil {
		r.outstanding = append(r.outstanding, sentRequest{op: p, leg: id, at: now})
		r.newestSent = max(r.newestSent, p.order)
	}
}

// mayRequeue reports whether a request that did not get through may leave again:
// only the newest may, or where the server has not taken it one that no newer has
// followed.
func (o *outbox) mayRequeue(p *op, notTaken bool) bool {
	r := o.requests[p.topic]
	if r == nil || r.newest == nil {
		return false
	}
	newer := func(s sentRequest) bool { return s.op.order > p.order }
	return r.newest == p || notTaken && !slices.ContainsFunc(r.outstanding, newer)
}

// onlyOne reports whether a single request for the channel is outstanding.
func (o *outbox) onlyOne(ch bayeux.Channel) bool {
	r := o.requests[ch]
	return r != nil && len(r.outstanding) == 1
}

// onRequestReply takes m, the reply to a request that left on the leg: to p if that is not
// nil. It returns the request that is answered; nil: none is. What left on a leg before
// the answered one was taken before it, and is undone by it unless the answered one is
// a subscribe that was refused. What left elsewhere arrives within delay from now on.
func (o *outbox) onRequestReply(id transport.LegID, ch bayeux.Channel, p *op, m *bayeux.Message, granted bool, now mono.Time, delay time.Duration) *op {
	r := o.requests[ch]
	if r == nil {
		return nil
	}
	i := slices.IndexFunc(r.outstanding, func(s sentRequest) bool {
		if s.leg != id || s.ambiguous || !s.arrivedBy.IsZero() {
			return false
		}
		q := s.op.wants(false)
		return s.op == p || p == nil && m.ID != "" && m.Answers(&q)
	})
	if i < 0 {
		return nil
	}
	p = r.outstanding[i].op
	left := r.outstanding[i].at
	undoes := granted || !p.isSubscribe()
	kept := r.outstanding[:0]
	for j, s := range r.outstanding {
		switch taken := s.leg == id && j <= i; {
		case j == i && (!undoes || r.newestSent == p.order):
			continue
		case taken && j < i && undoes:
			p.mayHaveGap = p.mayHaveGap || !s.op.isSubscribe()
			continue
		case taken && s.arrivedBy.IsZero():
			s.arrivedBy = now.Add(1) // what leaves from now on is behind it
		case taken:
		case !s.arrivedBy.IsZero() && !s.arrivedBy.After(left) && undoes:
			continue
		case s.leg == id && s.op == p:
			s.ambiguous = true
		case s.leg == 0 && s.arrivedBy.IsZero() && !s.at.After(left):
			s.arrivedBy = now.Add(delay)
		}
		kept = append(kept, s)
	}
	clear(r.outstanding[len(kept):])
	r.outstanding = kept
	return p
}

// onRequestsLegEnd notes of the requests on a leg that they did not leave, or may arrive later.
func (o *outbox) onRequestsLegEnd(id transport.LegID, err *transport.Error, now mono.Time) {
	for _, r := range o.requests {
		r.outstanding = slices.DeleteFunc(r.outstanding, func(s sentRequest) bool { return s.leg == id && isNotTaken(err, s.op) })
		for i := range r.outstanding {
			if s := &r.outstanding[i]; s.leg == id {
				s.leg, s.at = 0, now
			}
		}
	}
}

// onRequestSettled notes that a request is settled. It reports whether that was the
// newest for its topic, and whether the server may have taken another try.
func (o *outbox) onRequestSettled(p *op) (newest, outstanding bool) {
	r := o.requests[p.topic]
	if r == nil || r.newest != p {
		return false, false
	}
	r.newest = nil
	return true, len(r.outstanding) > 0
}

// review forgets the requests for a channel that change nothing any more, and reports
// whether the server is to be asked again, because one may have undone what the
// application wants, and whether the server may be without the channel meanwhile.
func (o *outbox) review(ch bayeux.Channel, wanted bool, now mono.Time) (again, undone bool) {
	r := o.requests[ch]
	if r == nil || r.newest != nil {
		return false, false
	}
	r.outstanding = slices.DeleteFunc(r.outstanding, func(s sentRequest) bool {
		arrived := !s.arrivedBy.IsZero() && !now.Before(s.arrivedBy)
		switch {
		case arrived && s.op.isSubscribe() == wanted:
			return true
		case arrived, s.arrivedBy.IsZero() && s.leg == 0:
			again = true
		case !s.arrivedBy.IsZero():
			o.nextCheck = mono.Earliest(o.nextCheck, s.arrivedBy)
		}
		undone = undone || s.op.isSubscribe() != wanted
		return false
	})
	if !again && len(r.outstanding) == 0 {
		delete(o.requests, ch)
		o.releaseIdle()
	}
	return again, undone
}

// onSessionOver forgets what was sent in a session that is over: it changes nothing in
// the next, in which the server has no channel. It returns the requests that are
// needless then, and the subscribes that were out and are to leave again.
func (o *outbox) onSessionOver() (needless, again []*op) {
	for _, r := range o.requests {
		r.outstanding = nil
	}
	sort := func(p *op) {
		switch r := o.requests[p.topic]; {
		case p.topic == "":
		case !p.isSubscribe(), r == nil || r.newest != p:
			needless = append(needless, p)
		default:
			p.mayHaveArrived, p.mayHaveGap = false, false
			if p.leg != 0 {
				again = append(again, p)
			}
		}
	}
	for _, p := range o.queue {
		sort(p)
	}
	for _, p := range o.pending {
		sort(p)
	}
	return needless, again
}

// isNotSubscribed reports whether the server refused an unsubscribe because there is no
// such subscription: CometD has no such channel, or not this session in it.
func isNotSubscribed(err error) bool {
	var refused *bayeux.Error
	if !errors.As(err, &refused) {
		return false
	}
	text := strings.ReplaceAll(strings.ToLower(refused.Text), " ", "_")
	return strings.Contains(text, "channel_missing") || strings.Contains(text, "unknown_channel") || strings.Contains(text, "unsubscribe_failed")
}
