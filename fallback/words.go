package fallback

import (
	"errors"
	"slices"

	"github.com/turold/turold/bayeux"
	"github.com/turold/turold/transport"
)

// prompt reports whether a batch is answered at once: no connect in it may be
// held, which would hold the whole batch on some servers.
func prompt(batch []bayeux.Message) bool {
	return !slices.ContainsFunc(batch, func(m bayeux.Message) bool {
		if m.Channel != bayeux.MetaConnect {
			return false
		}
		a := m.Advice()
		return a == nil || a.Timeout == nil || *a.Timeout > 0
	})
}

// answers reports whether the server has replied to anything. Events may come
// on a socket whose way up is dead.
func answers(ms []bayeux.Message) bool {
	return slices.ContainsFunc(ms, func(m bayeux.Message) bool { return m.IsReply() })
}

// shakes reports whether a batch begins a session.
func shakes(batch []bayeux.Message) bool {
	return slices.ContainsFunc(batch, func(m bayeux.Message) bool { return m.Channel == bayeux.MetaHandshake })
}

// connects reports whether there is a connect in a batch that leaves.
func connects(batch []bayeux.Message) bool {
	return slices.ContainsFunc(batch, func(m bayeux.Message) bool { return m.Channel == bayeux.MetaConnect })
}

// commands are those messages of a batch that want a reply at once.
func commands(batch []bayeux.Message) (n int) {
	for i := range batch {
		if m := &batch[i]; m.ID != "" && m.Channel != bayeux.MetaConnect {
			n++
		}
	}
	return n
}

// forgotten reports whether a reply makes a handshake the next thing to do.
func forgotten(m *bayeux.Message) bool {
	if !m.IsReply() {
		return false
	}
	if a := m.Advice(); a != nil && a.Reconnect == bayeux.Rehandshake {
		return true
	}
	err := m.Err()
	return err != nil && (m.Channel == bayeux.MetaHandshake || errors.Is(err, bayeux.ErrUnknownSession))
}

// offered reports whether a granted handshake offers a websocket, and whether
// it says so at all.
func offered(m *bayeux.Message) (websocket, said bool) {
	if m.Channel != bayeux.MetaHandshake || !m.OK() || len(m.Meta.SupportedConnectionTypes) == 0 {
		return false, false
	}
	return slices.Contains(m.Meta.SupportedConnectionTypes, transport.WebSocket), true
}
