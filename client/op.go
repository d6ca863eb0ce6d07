package client

import (
	"errors"

	"github.com/turold/turold/bayeux"
	"github.com/turold/turold/internal/mono"
	"github.com/turold/turold/transport"
)

// metaBytes is about what the clientId adds to a command when it leaves.
const metaBytes = 80

// opBytes is about what an op takes in memory beside its message.
const opBytes = 512

// maxTries bounds how often a command leaves that gets no good answer, unless it is
// the subscribe to a channel that the server once accepted.
const maxTries = 3

// An op is a command that wants a reply.
type op struct {
	message        bayeux.Message // has no Meta: the message that leaves has one, with the clientId
	topic          bayeux.Channel // of a subscribe or unsubscribe; empty: it is another command
	previous       *op            // is the one before it for the same topic, if that was not settled
	order          uint64         // is its place in the outbox
	size           int            // is about what it takes on the wire, in bytes
	repeatable     bool           // it may be sent again though it may have arrived
	call           bool           // the reply that counts is the one with data
	counted        bool           // it counts in the outbox's bound
	awaited        bool           // its sender gets the outcome, so that Flush need not return it
	mayHaveArrived bool           // it left before, whatever is known of later tries
	abandoned      bool           // its caller has gone with an outcome, so that it never leaves again
	mayHaveGap     bool           // it is a subscribe behind an unsubscribe that may have undone one before it
	group          *group         // has those that should leave together; nil: it is alone, or has left

	leg      transport.LegID // that it is out on; zero: it waits, or its reply may come on any leg
	deadline mono.Time       // of its reply, while it is out
	tries    int             // is how often it left
	attempt  attempt

	done  chan struct{} // is closed when it is settled
	reply bayeux.Message
	err   error // is the outcome, or before it is settled why the last try failed
}

// cost returns what n messages of size bytes together take of a bound in bytes, while
// they wait or are out.
func cost(n, size int) int { return size + n*(metaBytes+opBytes) }

// cost is what an op takes of a bound in bytes until it is settled.
func (p *op) cost() int { return p.size + opBytes }

// A group is the part of a Batch that has not left.
type group struct{ size int }

func (p *op) isSettled() bool {
	select {
	case <-p.done:
		return true
	default:
		return false
	}
}

// isSubscribe reports whether p asks for its topic, not to be rid of it.
func (p *op) isSubscribe() bool { return p.message.Channel == bayeux.MetaSubscribe }

// mayResend reports whether an op that got no good answer may leave once more. A
// subscription to a topic that the server once accepted, and so is known, never
// ends for want of an answer.
func (p *op) mayResend(known func(bayeux.Channel) bool) bool {
	if p.abandoned || p.mayHaveArrived && !p.repeatable {
		return false
	}
	return p.tries < maxTries || p.isSubscribe() && known(p.topic)
}

// wants describes the reply to p.
func (p *op) wants(unnamed bool) bayeux.Request {
	return bayeux.Request{ID: p.message.ID, Channel: p.message.Channel, Subscription: p.topic, Call: p.call, Unnamed: unnamed}
}

// outcome returns what err, the last that is known of p, says of all its tries. A
// refusal says nothing of an earlier try that may have arrived; but of a subscribe
// or unsubscribe the last one counts.
func (p *op) outcome(err error) error {
	if err != nil && p.mayHaveArrived && p.topic == "" && !errors.As(err, new(*OutcomeError)) {
		return &OutcomeError{Sent: true, Err: err}
	}
	return err
}

// trim drops what a Receipt need not keep.
func (p *op) trim() {
	p.message.Data, p.message.Ext, p.previous = nil, nil, nil
	if p.call {
		p.reply = p.reply.Clone()
	} else {
		p.reply = bayeux.Message{}
	}
}
