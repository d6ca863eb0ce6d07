package client

import (
	"sync"
	"time"

	"github.com/turold/turold/internal/mono"
)

// A gate spreads the handshakes that the sessions of a Dialer send to one host:
// after a restart of the server, or a change of the network, all want to begin
// anew at once. Whoever comes takes the next place in time; places come closer
// to one another the longer the rush lasts, up to the full rate.
type gate struct {
	mu    sync.Mutex
	since mono.Time // the rush began
	next  mono.Time // place that is free
}

const (
	gateRate  = 500                    // handshakes a second to one host at most, by default
	gateBurst = 50                     // of them at once, when there was none for a while
	gateSlow  = 4                      // a rush begins at this fraction of the rate,
	gateRamp  = 500 * time.Millisecond // and goes faster by as much each time
	gateLate  = 250 * time.Millisecond // that a place is kept for who comes late
)

// place returns when the next handshake may leave.
func (g *gate) place(rate int, now mono.Time) mono.Time {
	g.mu.Lock()
	defer g.mu.Unlock()
	full := time.Second / time.Duration(rate)
	burst := gateBurst * full * gateSlow
	if g.next.Before(now.Add(-burst)) {
		g.since, g.next = now, now.Add(-burst)
	}
	at := g.next
	if at.Before(now) {
		at = now
	}
	faster := 1 + max(0, at.Sub(g.since)/gateRamp)
	g.next = g.next.Add(full * gateSlow / min(faster, gateSlow))
	return at
}

// admitted reports whether a handshake may leave now. If not, the timer says
// when. A place once taken holds until the handshake is granted or has failed.
func (c *Client) admitted(now mono.Time) bool {
	s := &c.shake
	if c.d.HandshakeRate < 0 || s.leg != 0 {
		return true
	}
	if s.place.IsZero() {
		s.place = c.d.host(c.base.URL.Host).gate.place(or(c.d.HandshakeRate, gateRate), now)
		if s.place.After(now) {
			s.opens = s.place
			c.d.shared.delayed.Add(1)
		}
	}
	return !now.Before(s.place)
}

// missed gives up a place that has come a while ago, once: the machine was
// behind, or the transport, and all whose places came meanwhile would leave at
// once.
func (s *shake) missed(now mono.Time) {
	if !s.place.IsZero() && now.Sub(s.place) > gateLate && !s.behind {
		s.leaves()
		s.behind = true
	}
}

// leaves gives up the place: the next handshake takes a new one.
func (s *shake) leaves() { s.place, s.opens, s.behind = mono.Time{}, mono.Time{}, false }
