package fallback

import (
	"crypto/rand"
	"slices"
	"strings"

	"github.com/turold/turold/bayeux"
	"github.com/turold/turold/transport"
)

// A probe is the message by which a socket is proven: a connect that touches no
// session. It may leave twice.
type probe struct {
	id  string // of its own, that nobody can guess; empty: none left
	out int    // answers that may still come
}

// leaves makes the probe.
func (p *probe) leaves() []bayeux.Message {
	if p.id == "" {
		p.id = rand.Text()
	}
	p.out++
	return probing(p.id)
}

// answered reports whether an answer to the probe is in a batch, and returns
// what else is. One without an id is the probe's while an answer may come: on a
// socket it left before the session's own connect.
func (p *probe) answered(ms []bayeux.Message) (rest []bayeux.Message, ok bool) {
	if p.out == 0 {
		return ms, false
	}
	q := bayeux.Request{ID: p.id, Channel: bayeux.MetaConnect}
	if !slices.ContainsFunc(ms, func(m bayeux.Message) bool { return m.Answers(&q) }) {
		return ms, false
	}
	for i := range ms {
		if p.out > 0 && ms[i].Answers(&q) {
			p.out--
		} else {
			rest = append(rest, ms[i])
		}
	}
	return rest, true
}

// probing is a message that touches no session: nobody has this clientId.
func probing(id string) []bayeux.Message {
	return []bayeux.Message{{
		Channel: bayeux.MetaConnect, ID: id,
		Meta: &bayeux.Meta{ClientID: nobody(), ConnectionType: transport.WebSocket, Advice: &bayeux.Advice{Timeout: bayeux.Millis(0)}},
	}}
}

// nobody is a clientId that no server gave.
func nobody() string { return "nobody" + strings.ToLower(rand.Text()) }
