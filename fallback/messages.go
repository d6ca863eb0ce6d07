package fallback

import (
	"slices"

	"github.com/turold/turold/bayeux"
)

// answeredAtOnce reports whether a batch is answered at once: no connect in it may be
// held, which would hold the whole batch on some servers.
func answeredAtOnce(batch []bayeux.Message) bool {
	return !slices.ContainsFunc(batch, func(m bayeux.Message) bool {
		if m.Channel != bayeux.MetaConnect {
			return false
		}
		a := m.Advice()
		return a == nil || a.Timeout == nil || *a.Timeout > 0
	})
}

// hasHandshake reports whether a batch begins a session.
func hasHandshake(batch []bayeux.Message) bool {
	return slices.ContainsFunc(batch, func(m bayeux.Message) bool { return m.Channel == bayeux.MetaHandshake })
}

// hasConnect reports whether there is a connect in a batch that leaves.
func hasConnect(batch []bayeux.Message) bool {
	return slices.ContainsFunc(batch, func(m bayeux.Message) bool { return m.Channel == bayeux.MetaConnect })
}

// hasMeta reports whether some of a batch is the server's own word. Only it
// uses meta channels; when an event comes its publisher chose.
func hasMeta(ms []bayeux.Message) bool {
	return slices.ContainsFunc(ms, func(m bayeux.Message) bool { return m.Channel.Meta() })
}
