package client

import (
	"errors"
	"slices"
	"strings"

	"github.com/turold/turold/bayeux"
	"github.com/turold/turold/internal/mono"
	"github.com/turold/turold/transport"
)

// requests are the subscribes and unsubscribes of one channel, as long as one is
// not settled or may still change what the server has. The newest alone is sent
// again: an older one would undo it. Of what was sent before, on a leg that is
// gone, nobody knows whether it lies in a proxy or in front of a server that
// stands still. Then the server is asked again for what the application wants,
// and if that was not what the old request asked for, once more NetworkDelay
// after the answer: what has not arrived by then is taken for lost.
type requests struct {
	newest *op    // nil: it is settled
	sent   []sent // in the order in which they left
	last   uint64 // the order of the newest that left
}

// A sent is a subscribe or unsubscribe that left and was not answered, or was
// granted when something newer had left, which may have been refused, or taken before it.
type sent struct {
	p     *op
	leg   transport.LegID // zero: it is gone
	at    mono.Time       // when it left, and later when its leg was gone
	past  mono.Time       // when the server has taken it, or never will; zero: not before it has answered something newer
	vague bool            // another try of p on the leg was answered: a reply may be to either
}

// subscribes reports whether p asks for the channel, not to be rid of it.
func (p *op) subscribes() bool { return p.m.Channel == bayeux.MetaSubscribe }

// ask sends a subscribe or unsubscribe, m, behind those before it.
func (c *Client) ask(e *fx, ch bayeux.Channel, m bayeux.Message) *op {
	r := c.out.requests[ch]
	if r == nil {
		if c.out.requests == nil {
			c.out.requests = map[bayeux.Channel]*requests{}
		}
		r = new(requests)
		c.out.requests[ch] = r
	}
	p := c.newOp(m)
	p.sub, p.repeat = ch, true
	p.size += len(ch)
	old := r.newest
	r.newest = p
	if old != nil && old.sent && c.withdraw(old) {
		c.unanswered(e, old, old.err)
	} else {
		p.before = old
	}
	c.push(e, p)
	return p
}

// unsubscribe asks the server to leave a channel out.
func (c *Client) unsubscribe(e *fx, ch bayeux.Channel) *op {
	return c.ask(e, ch, bayeux.Message{Channel: bayeux.MetaUnsubscribe})
}

// takeBack withdraws the newest request if it never left; the one before it, if
// that is not settled, is the newest again.
func (c *Client) takeBack(r *requests) {
	p := r.newest
	if p == nil || p.sent || !c.withdraw(p) {
		return
	}
	r.newest = nil
	if before := p.before; before != nil && !before.settled() {
		r.newest = before
	}
}

// leaves notes that a request leaves on a leg.
func (c *Client) leaves(p *op, id transport.LegID, now mono.Time) {
	if r := c.out.requests[p.sub]; r != nil {
		r.sent = append(r.sent, sent{p: p, leg: id, at: now})
		r.last = max(r.last, p.order)
	}
}

// returns reports whether a request that did not get through may leave again.
func (c *Client) returns(p *op, untaken bool) bool {
	r := c.out.requests[p.sub]
	if r == nil || r.newest == nil {
		return false
	}
	newer := func(s sent) bool { return s.p.order > p.order }
	return r.newest == p || untaken && !slices.ContainsFunc(r.sent, newer)
}

// heard takes m, the reply to a request that left on the leg, to p if that is not
// nil, and returns which; nil: none. What left on a leg before it was taken before it, and is undone by it
// unless it is a subscribe that was refused.
func (c *Client) heard(id transport.LegID, ch bayeux.Channel, p *op, m *bayeux.Message, granted bool) *op {
	r := c.out.requests[ch]
	if r == nil {
		return nil
	}
	i := slices.IndexFunc(r.sent, func(s sent) bool {
		if s.leg != id || s.vague || !s.past.IsZero() {
			return false
		}
		q := s.p.request(false)
		return s.p == p || p == nil && m.ID != "" && m.Answers(&q)
	})
	if i < 0 {
		return nil
	}
	now := mono.Now()
	p = r.sent[i].p
	left := r.sent[i].at
	undoes := granted || !p.subscribes()
	kept := r.sent[:0]
	for j, s := range r.sent {
		switch taken := s.leg == id && j <= i; {
		case j == i && (!undoes || r.last == p.order):
			continue
		case taken && j < i && undoes:
			p.undone = p.undone || !s.p.subscribes()
			continue
		case taken && s.past.IsZero():
			s.past = now.Add(1) // what leaves from now on is behind it
		case taken:
		case !s.past.IsZero() && !s.past.After(left) && undoes:
			continue
		case s.leg == id && s.p == p:
			s.vague = true
		case s.leg == 0 && s.past.IsZero() && !s.at.After(left):
			s.past = now.Add(c.o.NetworkDelay)
		}
		kept = append(kept, s)
	}
	clear(r.sent[len(kept):])
	r.sent = kept
	return p
}

// legEnded notes of the requests on a leg that they did not leave, or may arrive later.
func (c *Client) legEnded(id transport.LegID, err *transport.Error, now mono.Time) {
	for _, r := range c.out.requests {
		r.sent = slices.DeleteFunc(r.sent, func(s sent) bool { return s.leg == id && untaken(err, s.p) })
		for i := range r.sent {
			if s := &r.sent[i]; s.leg == id {
				s.leg, s.at = 0, now
			}
		}
	}
}

// requestSettled is told that a request is settled.
func (c *Client) requestSettled(e *fx, p *op) {
	r := c.out.requests[p.sub]
	if r == nil {
		return
	}
	if r.newest == p {
		r.newest = nil
		if p.subscribes() {
			c.subscribed(e, p, len(r.sent) > 0)
		}
	}
	c.review(e, p.sub, mono.Now())
}

// review asks again where what was sent may have undone what the application
// wants, and forgets what cannot any more.
func (c *Client) review(e *fx, ch bayeux.Channel, now mono.Time) {
	r := c.out.requests[ch]
	if r == nil || r.newest != nil || c.leaving != nil {
		return
	}
	t := c.topics.get(ch)
	wanted := t != nil && t.remote()
	again, undone := false, false
	r.sent = slices.DeleteFunc(r.sent, func(s sent) bool {
		past := !s.past.IsZero() && !now.Before(s.past)
		switch {
		case past && s.p.subscribes() == wanted:
			return true
		case past, s.past.IsZero() && s.leg == 0:
			again = true
		case !s.past.IsZero():
			c.out.late = mono.Earliest(c.out.late, s.past)
		}
		undone = undone || s.p.subscribes() != wanted
		return false
	})
	switch {
	case again && wanted:
		c.subscribe(e, t).undone = undone
	case again:
		c.unsubscribe(e, ch)
	case len(r.sent) == 0:
		delete(c.out.requests, ch)
		c.out.rest()
	}
}

func (c *Client) reviewAll(e *fx, now mono.Time) {
	for ch := range c.out.requests {
		c.review(e, ch, now)
	}
}

// forgetRequests is told that the session is over. What was sent for it changes
// nothing in the next, in which the server has no channel.
func (c *Client) forgetRequests(e *fx) {
	var ops, back []*op
	ops = append(ops, c.out.queue...)
	for _, p := range c.out.pending {
		ops = append(ops, p)
	}
	for _, r := range c.out.requests {
		r.sent = nil
	}
	for _, p := range ops {
		switch r := c.out.requests[p.sub]; {
		case p.sub == "":
		case !p.subscribes():
			c.forgo(e, p)
		case r == nil || r.newest != p:
			c.forgo(e, p)
		default:
			p.sent, p.undone = false, false
			if p.leg != 0 {
				back = append(back, p)
			}
		}
	}
	c.putBack(back)
	c.reviewAll(e, mono.Now())
}

// absent reports whether the server refused an unsubscribe because there is no
// such subscription: CometD has no such channel, or nobody of that session in it.
func absent(err error) bool {
	var refused *bayeux.Error
	if !errors.As(err, &refused) {
		return false
	}
	text := strings.ReplaceAll(strings.ToLower(refused.Text), " ", "_")
	return strings.Contains(text, "channel_missing") || strings.Contains(text, "unknown_channel") || strings.Contains(text, "unsubscribe_failed")
}
