package fallback

import (
	"errors"
	"slices"

	"github.com/turold/turold/bayeux"
	"github.com/turold/turold/transport"
)

// A ledger is what left on a leg and was not answered. That something was
// answered is read from it alone: other publishers can send what looks like a
// reply, and nothing of that proves, settles or condemns a transport.
type ledger struct {
	connect  bayeux.Request   // without an id: none is out
	commands []bayeux.Request // in the order in which they left
	paid     int              // of them, at the front, were answered
}

const (
	mostOwed = 1024 // of a leg; what was never answered is dropped, the oldest first
	keptOwed = 16   // for how many there stays room while there are none
)

// leaves takes down what a leg carries.
func (l *ledger) leaves(batch []bayeux.Message) {
	for i := range batch {
		q := bayeux.RequestOf(&batch[i])
		switch {
		case q.ID == "":
		case q.Channel == bayeux.MetaConnect:
			l.connect = q
		default:
			if l.owed() >= mostOwed {
				l.pay(l.paid)
			}
			if l.paid > 0 && len(l.commands) == cap(l.commands) {
				l.commands, l.paid = slices.Delete(l.commands, 0, l.paid), 0
			}
			l.commands = append(l.commands, q)
		}
	}
}

// owed is how many commands were not answered.
func (l *ledger) owed() int { return len(l.commands) - l.paid }

// pay strikes one command out. Mostly it is the first.
func (l *ledger) pay(i int) {
	if l.commands[i] = (bayeux.Request{}); i > l.paid {
		l.commands = slices.Delete(l.commands, i, i+1)
	} else {
		l.paid++
	}
	if l.owed() == 0 {
		if l.commands, l.paid = l.commands[:0], 0; cap(l.commands) > keptOwed {
			l.commands = nil
		}
	}
}

// unreadable strikes out the connect whose reply m is, as far as that can be told of
// a message that cannot be read: the Handler does the same, and asks for the next.
func (l *ledger) unreadable(m *bayeux.Message) bool {
	named := m.ID == l.connect.ID
	if l.connect.ID == "" || !named && (m.ID != "" || m.Channel != bayeux.MetaConnect) || m.Channel != "" && m.Channel != bayeux.MetaConnect {
		return false
	}
	l.connect = bayeux.Request{}
	return true
}

// An account is what a batch says in answer to what left on its leg.
type account struct {
	answered  bool            // something was answered
	spoilt    bool            // the reply to the connect came and cannot be read: it is owed no more, and proves nothing
	forgotten bool            // a handshake is the next thing to do
	shake     *bayeux.Message // the reply to the handshake; nil: it is not there
	connect   *bayeux.Message // the reply to the connect; nil: it is not there
}

// arrives reads what a leg brings, and strikes out what that answers.
func (l *ledger) arrives(ms []bayeux.Message) (a account) {
	for i := range ms {
		m := &ms[i]
		switch {
		case m.IsEvent():
			continue
		case m.Unreadable() != nil:
			a.spoilt = l.unreadable(m) || a.spoilt
			continue
		case l.connect.ID != "" && m.Answers(&l.connect):
			l.connect, a.connect = bayeux.Request{}, m
		case !l.settles(m):
			continue
		case m.Channel == bayeux.MetaHandshake:
			a.shake = m
		}
		a.answered, a.forgotten = true, a.forgotten || forgotten(m)
	}
	return a
}

// settles strikes out the command that m answers, and reports whether there is one.
func (l *ledger) settles(m *bayeux.Message) bool {
	one := -1
	for i := l.paid; i < len(l.commands); i++ {
		if !m.Answers(&l.commands[i]) {
			continue
		}
		if one >= 0 { // without an id: whose it is cannot be told
			return false
		}
		if one = i; m.ID != "" {
			break
		}
	}
	if one < 0 {
		return false
	}
	l.pay(one)
	return true
}

// forgotten reports whether a reply makes a handshake the next thing to do.
func forgotten(m *bayeux.Message) bool {
	if a := m.Advice(); a != nil && a.Reconnect == bayeux.ReconnectHandshake {
		return true
	}
	err := m.Err()
	return err != nil && (m.Channel == bayeux.MetaHandshake || errors.Is(err, bayeux.ErrUnknownSession))
}

// offered reports whether a granted handshake offers a websocket, and whether
// it says so at all. nil is no reply.
func offered(shake *bayeux.Message) (websocket, said bool) {
	if shake == nil || !shake.Granted() || shake.Meta == nil || len(shake.Meta.SupportedConnectionTypes) == 0 {
		return false, false
	}
	return slices.Contains(shake.Meta.SupportedConnectionTypes, transport.WebSocket), true
}
