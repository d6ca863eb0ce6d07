package fallback

import (
	"slices"

	"github.com/turold/turold/bayeux"
)

// answeredAtOnce reports whether the server answers a batch at once: it may hold no
// connect in it, with which some servers hold the whole batch.
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

// hasConnect reports whether there is a connect in a batch.
func hasConnect(batch []bayeux.Message) bool {
	return slices.ContainsFunc(batch, func(m bayeux.Message) bool { return m.Channel == bayeux.MetaConnect })
}

// hasMeta reports whether the server itself has something to say in a batch. Only the
// server sends on meta channels; a publisher chooses when an event comes.
func hasMeta(ms []bayeux.Message) bool {
	return slices.ContainsFunc(ms, func(m bayeux.Message) bool { return m.Channel.Meta() })
}
