package fallback

import (
	"crypto/rand"
	"slices"
	"strings"

	"github.com/turold/turold/bayeux"
	"github.com/turold/turold/internal/mono"
	"github.com/turold/turold/transport"
)

// A probe is the message by which a socket is proven: a connect that touches no
// session. It may leave twice.
type probe struct {
	id         string    // random, so that no publisher can guess it; empty: none was sent
	unanswered int       // how many answers may still come
	answerBy   mono.Time // when an answer is late; zero: none is waited for
	againAt    mono.Time // when the probe is sent once more
}

// send makes the probe.
func (p *probe) send() []bayeux.Message {
	if p.id == "" {
		p.id = rand.Text()
	}
	p.unanswered++
	return probeMessage(p.id)
}

// stopTimers ends the wait for an answer. A late one is still known as such.
func (p *probe) stopTimers() { p.answerBy, p.againAt = mono.Time{}, mono.Time{} }

// takeAnswer reports whether an answer to the probe is in a batch, and returns
// what else is. One without an id is the probe's while an answer may come: on a
// socket it left before the session's own connect.
func (p *probe) takeAnswer(ms []bayeux.Message) (rest []bayeux.Message, ok bool) {
	if p.unanswered == 0 {
		return ms, false
	}
	q := bayeux.Request{ID: p.id, Channel: bayeux.MetaConnect}
	if !slices.ContainsFunc(ms, func(m bayeux.Message) bool { return m.Answers(&q) }) {
		return ms, false
	}
	for i := range ms {
		if p.unanswered > 0 && ms[i].Answers(&q) {
			p.unanswered--
		} else {
			rest = append(rest, ms[i])
		}
	}
	return rest, true
}

// probeMessage is a connect that touches no session: the server gave no client its
// clientId.
func probeMessage(id string) []bayeux.Message {
	return []bayeux.Message{{
		Channel: bayeux.MetaConnect, ID: id,
		Meta: &bayeux.Meta{ClientID: unknownClientID(), ConnectionType: transport.WebSocket, Advice: &bayeux.Advice{Timeout: bayeux.Millis(0)}},
	}}
}

// unknownClientID is a clientId that no server gave.
func unknownClientID() string { return "nobody" + strings.ToLower(rand.Text()) }
