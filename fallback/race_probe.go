package fallback

import (
	"crypto/rand"
	"slices"
	"strings"

	"github.com/turold/turold/bayeux"
	"github.com/turold/turold/transport"
)

// probeID is no id of a session's: those are numbers, and CometD takes letters
// and digits only.
const probeID = "probe"

// probed reports whether a batch is the answer to a probe.
func probed(ms []bayeux.Message) bool {
	return slices.ContainsFunc(ms, func(m bayeux.Message) bool { return m.ID == probeID && m.IsReply() })
}

// probing is a message that touches no session: nobody has this clientId.
func probing() []bayeux.Message {
	return []bayeux.Message{{
		Channel: bayeux.MetaConnect, ID: probeID,
		Meta: &bayeux.Meta{ClientID: nobody(), ConnectionType: transport.WebSocket, Advice: &bayeux.Advice{Timeout: bayeux.Millis(0)}},
	}}
}

// nobody is a clientId that no server gave.
func nobody() string { return "nobody" + strings.ToLower(rand.Text()) }
