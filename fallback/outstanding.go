package fallback

import (
	"errors"
	"slices"

	"github.com/turold/turold/bayeux"
	"github.com/turold/turold/transport"
)

// An outstanding is what left on a leg and was not answered. That something was
// answered is read from it alone: other publishers can send what looks like a
// reply, and nothing of that proves, settles or condemns a transport.
type outstanding struct {
	connect  bayeux.Request   // without an id: none is out
	commands []bayeux.Request // in the order in which they left
	answered int              // how many of them, from the front, were answered
}

const (
	maxCommands  = 1024 // that a leg remembers; the oldest that was never answered is dropped first
	keptCapacity = 16   // the largest capacity that an empty list keeps
)

// add notes what a leg carries.
func (o *outstanding) add(batch []bayeux.Message) {
	for i := range batch {
		q := bayeux.RequestOf(&batch[i])
		switch {
		case q.ID == "":
		case q.Channel == bayeux.MetaConnect:
			o.connect = q
		default:
			if o.openCommands() >= maxCommands {
				o.remove(o.answered)
			}
			if o.answered > 0 && len(o.commands) == cap(o.commands) {
				o.commands, o.answered = slices.Delete(o.commands, 0, o.answered), 0
			}
			o.commands = append(o.commands, q)
		}
	}
}

// openCommands is how many commands are not answered.
func (o *outstanding) openCommands() int { return len(o.commands) - o.answered }

// remove strikes one command out. Mostly it is the first.
func (o *outstanding) remove(i int) {
	if o.commands[i] = (bayeux.Request{}); i > o.answered {
		o.commands = slices.Delete(o.commands, i, i+1)
	} else {
		o.answered++
	}
	if o.openCommands() == 0 {
		if o.commands, o.answered = o.commands[:0], 0; cap(o.commands) > keptCapacity {
			o.commands = nil
		}
	}
}

// dropUnreadable strikes out the connect whose reply m is, as far as that can be told of
// a message that cannot be read: the Handler does the same, and asks for the next.
func (o *outstanding) dropUnreadable(m *bayeux.Message) bool {
	named := m.ID == o.connect.ID
	if o.connect.ID == "" || !named && (m.ID != "" || m.Channel != bayeux.MetaConnect) || m.Channel != "" && m.Channel != bayeux.MetaConnect {
		return false
	}
	o.connect = bayeux.Request{}
	return true
}

// An replies is what a batch says in answer to what left on its leg.
type replies struct {
	answered       bool            // something was answered
	unreadable     bool            // the reply to the connect came and cannot be read: it is waited for no more, and proves nothing
	needsHandshake bool            // the next thing to do is a handshake
	handshake      *bayeux.Message // the reply to the handshake; nil: it is not there
	connect        *bayeux.Message // the reply to the connect; nil: it is not there
}

// match reads what a leg brings, and strikes out what that answers.
func (o *outstanding) match(ms []bayeux.Message) (got replies) {
	for i := range ms {
		m := &ms[i]
		switch {
		case m.IsEvent():
			continue
		case m.Unreadable() != nil:
			got.unreadable = o.dropUnreadable(m) || got.unreadable
			continue
		case o.connect.ID != "" && m.Answers(&o.connect):
			o.connect, got.connect = bayeux.Request{}, m
		case !o.matchCommand(m):
			continue
		case m.Channel == bayeux.MetaHandshake:
			got.handshake = m
		}
		got.answered, got.needsHandshake = true, got.needsHandshake || needsHandshake(m)
	}
	return got
}

// matchCommand strikes out the command that m answers, and reports whether there is one.
func (o *outstanding) matchCommand(m *bayeux.Message) bool {
	one := -1
	for i := o.answered; i < len(o.commands); i++ {
		if !m.Answers(&o.commands[i]) {
			continue
		}
		if one >= 0 { // without an id: which command it answers cannot be known
			return false
		}
		if one = i; m.ID != "" {
			break
		}
	}
	if one < 0 {
		return false
	}
	o.remove(one)
	return true
}

// needsHandshake reports whether a reply makes a handshake the next thing to do.
func needsHandshake(m *bayeux.Message) bool {
	if a := m.Advice(); a != nil && a.Reconnect == bayeux.ReconnectHandshake {
		return true
	}
	err := m.Err()
	return err != nil && (m.Channel == bayeux.MetaHandshake || errors.Is(err, bayeux.ErrUnknownSession))
}

// offersWebSocket reports whether a granted handshake offers a websocket, and whether
// it says so at all. nil is no reply.
func offersWebSocket(shake *bayeux.Message) (websocket, said bool) {
	if shake == nil || !shake.Granted() || shake.Meta == nil || len(shake.Meta.SupportedConnectionTypes) == 0 {
		return false, false
	}
	return slices.Contains(shake.Meta.SupportedConnectionTypes, transport.WebSocket), true
}
