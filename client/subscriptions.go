package client

import (
	"encoding/json"
	"iter"
	"slices"

	"github.com/turold/turold/bayeux"
	"github.com/turold/turold/internal/legs"
)

// A topic is one channel or pattern with its subscriptions here. The server
// knows of it once, however many they are.
type topic struct {
	channel    bayeux.Channel
	subs       []*Subscription
	ext        json.RawMessage
	subscribed bool // the server accepted it in the present session, and was not asked to leave it out since
	known      bool // the server accepted it in some session, or is not asked: a gap concerns it
}

// remote reports whether the server is to know of it.
func (t *topic) remote() bool {
	return slices.ContainsFunc(t.subs, func(s *Subscription) bool { return !s.local })
}

// subscriptions are the topics of a session, and what is known of gaps that are due in
// them. They decide which subscriptions get what; their owner tells those.
type subscriptions struct {
	topics
	loss possibleLoss // that a gap is due for, before what comes next
}

// wanted reports whether the application wants the server to have a channel.
func (ss *subscriptions) wanted(ch bayeux.Channel) bool {
	t := ss.get(ch)
	return t != nil && t.remote()
}

// join adds a subscription to its topic, which it makes if there is none.
func (ss *subscriptions) join(s *Subscription) *topic {
	t := ss.get(s.channel)
	if t == nil {
		t = &topic{channel: s.channel}
		ss.add(t)
	}
	t.subs = append(t.subs, s)
	t.known = t.known || s.local
	return t
}

// leave takes a subscription out of its topic, and the topic out if it was the last. It
// reports whether the server is to leave the topic out, too; nil: s is not there any more.
func (ss *subscriptions) leave(s *Subscription) (t *topic, unwanted bool) {
	t = ss.get(s.channel)
	if t == nil || !slices.Contains(t.subs, s) {
		return nil, false
	}
	t.subs = slices.DeleteFunc(t.subs, func(x *Subscription) bool { return x == s })
	if len(t.subs) == 0 {
		ss.remove(t)
	}
	return t, !s.local && !t.remote()
}

// refuse takes out what the server refused: the subscriptions that it returns. Those that
// only listen stay.
func (ss *subscriptions) refuse(t *topic) (refused []*Subscription) {
	t.subs = slices.DeleteFunc(t.subs, func(s *Subscription) bool {
		if !s.local {
			refused = append(refused, s)
		}
		return !s.local
	})
	if len(t.subs) == 0 {
		ss.remove(t)
	}
	return refused
}

// onSessionOver notes that the server has no topic any more. The gap of the session that
// follows says more than one for a lost connection.
func (ss *subscriptions) onSessionOver() {
	ss.loss = noLoss
	for t := range ss.all() {
		t.subscribed = false
	}
}

// onNewSession has every subscription owe the gap of a new session, and yields the
// topics in which it is due now. Where the server has to be asked for the topic, what is
// published until it has it is missed as well: the gap is due when it has answered.
func (ss *subscriptions) onNewSession() iter.Seq[*topic] {
	return func(yield func(*topic) bool) {
		for t := range ss.all() {
			if !t.known {
				continue
			}
			for _, s := range t.subs {
				s.owesNewSessionGap = true
			}
			if !t.remote() && !yield(t) {
				return
			}
		}
	}
}

// concerned yields the subscriptions that events may have been missed for.
func (ss *subscriptions) concerned() iter.Seq[*Subscription] {
	return func(yield func(*Subscription) bool) {
		for t := range ss.all() {
			if !t.known {
				continue
			}
			for _, s := range t.subs {
				if !yield(s) {
					return
				}
			}
		}
	}
}

// A possibleLoss is what may be missing without ack after a connection died: the
// greater one includes the lesser.
type possibleLoss uint8

const (
	noLoss     possibleLoss = iota
	lostReply               // of a command, and the events it brought
	lostPushes              // it carried the connect: the server writes to it until another connect has come
)

// onLegDied notes that a leg died, which the others that are out may be older than.
func (ss *subscriptions) onLegDied(l *leg, others *legs.Map[*leg]) {
	loss := lostReply
	if l.hadConnect {
		loss = lostPushes
	}
	ss.loss = max(ss.loss, loss)
	for _, other := range others.All() {
		other.predatesLoss, other.gapReported = true, false
	}
}

// gapBefore reports whether a gap is due before what comes on a leg, because events may
// have been lost with the one that died. Where that one carried the connect the
// server writes to it until a connect that left since then has come. What other
// legs bring may be older than what was lost last, or newer: the gap is due again
// behind that.
func (ss *subscriptions) gapBefore(l *leg) bool {
	sure := !l.cut && !l.predatesLoss && (l.hadConnect || ss.loss == lostReply)
	if ss.loss == noLoss || l.gapReported && !sure {
		return false
	}
	l.gapReported = !sure
	if sure {
		ss.loss = noLoss
	}
	return true
}
