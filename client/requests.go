package client

import (
	"errors"
	"slices"
	"strings"

	"github.com/turold/turold/bayeux"
	"github.com/turold/turold/internal/mono"
	"github.com/turold/turold/transport"
)

// channelRequests are the subscribes and unsubscribes of one channel, as long as one is
// not settled or may still change what the server has. The newest alone is sent
// again: an older one would undo it. Of what was sent before, on a leg that is
// gone, nobody knows whether it lies in a proxy or in front of a server that
// stands still. Then the server is asked again for what the application wants,
// and if that was not what the old request asked for, once more NetworkDelay
// after the answer: what has not arrived by then is taken for lost.
type channelRequests struct {
	newest      *op           // nil: it is settled
	outstanding []sentRequest // in the order in which they left
	newestSent  uint64        // the order of the newest that left
}

// A sentRequest is a subscribe or unsubscribe that left and was not answered, or was
// granted when something newer had left, which may have been refused, or taken before it.
type sentRequest struct {
	op        *op
	leg       transport.LegID // zero: it is gone
	at        mono.Time       // when it left, and later when its leg was gone
	arrivedBy mono.Time       // when the server has taken it, or never will; zero: not before it has answered something newer
	ambiguous bool            // another try of p on the leg was answered: a reply may be to either
}

// isSubscribe reports whether p asks for the channel, not to be rid of it.
func (p *op) isSubscribe() bool { return p.message.Channel == bayeux.MetaSubscribe }

// enqueueRequest sends a subscribe or unsubscribe, m, behind those before it.
func (c *Client) enqueueRequest(fx *effects, ch bayeux.Channel, m bayeux.Message) *op {
	r := c.outbox.requests[ch]
	if r == nil {
		if c.outbox.requests == nil {
			c.outbox.requests = map[bayeux.Channel]*channelRequests{}
		}
		r = new(channelRequests)
		c.outbox.requests[ch] = r
	}
	p := c.newOp(m)
	p.topic, p.repeatable = ch, true
	p.size += len(ch)
	old := r.newest
	r.newest = p
	if old != nil && old.mayHaveArrived && c.unqueue(old) {
		c.settleUnanswered(fx, old, old.err)
	} else {
		p.previous = old
	}
	c.enqueue(fx, p)
	return p
}

// sendUnsubscribe asks the server to leave a channel out.
func (c *Client) sendUnsubscribe(fx *effects, ch bayeux.Channel) *op {
	return c.enqueueRequest(fx, ch, bayeux.Message{Channel: bayeux.MetaUnsubscribe})
}

// takeBackNewest withdraws the newest request if it never left; the one before it, if
// that is not settled, is the newest again.
func (c *Client) takeBackNewest(r *channelRequests) {
	p := r.newest
	if p == nil || p.mayHaveArrived || !c.unqueue(p) {
		return
	}
	r.newest = nil
	if before := p.previous; before != nil && !before.isSettled() {
		r.newest = before
	}
}

// onRequestSent notes that a request leaves on a leg.
func (c *Client) onRequestSent(p *op, id transport.LegID, now mono.Time) {
	if r := c.outbox.requests[p.topic]; r != nil {
		r.outstanding = append(r.outstanding, sentRequest{op: p, leg: id, at: now})
		r.newestSent = max(r.newestSent, p.order)
	}
}

// mayRequeue reports whether a request that did not get through may leave again.
func (c *Client) mayRequeue(p *op, untaken bool) bool {
	r := c.outbox.requests[p.topic]
	if r == nil || r.newest == nil {
		return false
	}
	newer := func(s sentRequest) bool { return s.op.order > p.order }
	return r.newest == p || untaken && !slices.ContainsFunc(r.outstanding, newer)
}

// matchReply takes m, the reply to a request that left on the leg, to p if that is not
// nil, and returns which; nil: none. What left on a leg before it was taken before it, and is undone by it
// unless it is a subscribe that was refused.
func (c *Client) matchReply(id transport.LegID, ch bayeux.Channel, p *op, m *bayeux.Message, granted bool) *op {
	r := c.outbox.requests[ch]
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
	now := mono.Now()
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
			s.arrivedBy = now.Add(c.options.NetworkDelay)
		}
		kept = append(kept, s)
	}
	clear(r.outstanding[len(kept):])
	r.outstanding = kept
	return p
}

// onRequestsLegEnd notes of the requests on a leg that they did not leave, or may arrive later.
func (c *Client) onRequestsLegEnd(id transport.LegID, err *transport.Error, now mono.Time) {
	for _, r := range c.outbox.requests {
		r.outstanding = slices.DeleteFunc(r.outstanding, func(s sentRequest) bool { return s.leg == id && isNotTaken(err, s.op) })
		for i := range r.outstanding {
			if s := &r.outstanding[i]; s.leg == id {
				s.leg, s.at = 0, now
			}
		}
	}
}

// onRequestSettled is told that a request is settled.
func (c *Client) onRequestSettled(fx *effects, p *op) {
	r := c.outbox.requests[p.topic]
	if r == nil {
		return
	}
	if r.newest == p {
		r.newest = nil
		if p.isSubscribe() {
			c.onSubscribeSettled(fx, p, len(r.outstanding) > 0)
		}
	}
	c.review(fx, p.topic, mono.Now())
}

// review asks again where what was sent may have undone what the application
// wants, and forgets what cannot any more.
func (c *Client) review(fx *effects, ch bayeux.Channel, now mono.Time) {
	r := c.outbox.requests[ch]
	if r == nil || r.newest != nil || c.disconnect != nil {
		return
	}
	t := c.topics.get(ch)
	wanted := t != nil && t.remote()
	again, undone := false, false
	r.outstanding = slices.DeleteFunc(r.outstanding, func(s sentRequest) bool {
		past := !s.arrivedBy.IsZero() && !now.Before(s.arrivedBy)
		switch {
		case past && s.op.isSubscribe() == wanted:
			return true
		case past, s.arrivedBy.IsZero() && s.leg == 0:
			again = true
		case !s.arrivedBy.IsZero():
			c.outbox.nextCheck = mono.Earliest(c.outbox.nextCheck, s.arrivedBy)
		}
		undone = undone || s.op.isSubscribe() != wanted
		return false
	})
	switch {
	case again && wanted:
		c.sendSubscribe(fx, t).mayHaveGap = undone
	case again:
		c.sendUnsubscribe(fx, ch)
	case len(r.outstanding) == 0:
		delete(c.outbox.requests, ch)
		c.outbox.releaseIdle()
	}
}

func (c *Client) reviewAll(fx *effects, now mono.Time) {
	for ch := range c.outbox.requests {
		c.review(fx, ch, now)
	}
}

// onSessionOver is told that the session is over. What was sent for it changes
// nothing in the next, in which the server has no channel.
func (c *Client) onSessionOver(fx *effects) {
	var ops, back []*op
	ops = append(ops, c.outbox.queue...)
	for _, p := range c.outbox.pending {
		ops = append(ops, p)
	}
	for _, r := range c.outbox.requests {
		r.outstanding = nil
	}
	for _, p := range ops {
		switch r := c.outbox.requests[p.topic]; {
		case p.topic == "":
		case !p.isSubscribe():
			c.settleNeedless(fx, p)
		case r == nil || r.newest != p:
			c.settleNeedless(fx, p)
		default:
			p.mayHaveArrived, p.mayHaveGap = false, false
			if p.leg != 0 {
				back = append(back, p)
			}
		}
	}
	c.requeue(back)
	c.reviewAll(fx, mono.Now())
}

// isNotSubscribed reports whether the server refused an unsubscribe because there is no
// such subscription: CometD has no such channel, or nobody of that session in it.
func isNotSubscribed(err error) bool {
	var refused *bayeux.Error
	if !errors.As(err, &refused) {
		return false
	}
	text := strings.ReplaceAll(strings.ToLower(refused.Text), " ", "_")
	return strings.Contains(text, "channel_missing") || strings.Contains(text, "unknown_channel") || strings.Contains(text, "unsubscribe_failed")
}
