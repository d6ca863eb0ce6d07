package client

import (
	"cmp"
	"sync"
	"time"

	"github.com/turold/turold/internal/mono"
)

// A handshakeLimiter spreads the handshakes that the sessions of a Dialer send to one host:
// after a restart of the server, or a change of the network, all want to begin
// anew at once. Whoever comes takes the next place in time; places come closer
// to one another the longer the rush lasts, up to the full rate.
type handshakeLimiter struct {
	mu        sync.Mutex
	rushStart mono.Time // the rush began
	nextSlot  mono.Time // place that is free
}

const (
	defaultHandshakeRate = 500                    // handshakes a second to one host at most, by default
	handshakeBurst       = 50                     // of them at once, when there was none for a while
	rushSlowdown         = 4                      // a rush begins at this fraction of the rate,
	rushStepTime         = 500 * time.Millisecond // and goes faster by as much each time
	slotGrace            = 250 * time.Millisecond // that a place is kept for who comes late
)

// reserve returns when the next handshake may leave.
func (l *handshakeLimiter) reserve(rate int, now mono.Time) mono.Time {
	l.mu.Lock()
	defer l.mu.Unlock()
	full := time.Second / time.Duration(rate)
	burst := handshakeBurst * full * rushSlowdown
	if l.nextSlot.Before(now.Add(-burst)) {
		l.rushStart, l.nextSlot = now, now.Add(-burst)
	}
	at := l.nextSlot
	if at.Before(now) {
		at = now
	}
	faster := 1 + max(0, at.Sub(l.rushStart)/rushStepTime)
	l.nextSlot = l.nextSlot.Add(full * rushSlowdown / min(faster, rushSlowdown))
	return at
}

// mayHandshake reports whether a handshake may leave now. If not, the timer says
// when. A place once taken holds until the handshake is granted or has failed.
func (c *Client) mayHandshake(now mono.Time) bool {
	hs := &c.handshake
	if c.dialer.HandshakeRate < 0 || hs.leg != 0 {
		return true
	}
	if hs.slot.IsZero() {
		hs.slot = c.dialer.host(c.base.URL.Host).limiter.reserve(cmp.Or(c.dialer.HandshakeRate, defaultHandshakeRate), now)
		if hs.slot.After(now) {
			hs.slotDue = hs.slot
			c.dialer.shared.delayed.Add(1)
		}
	}
	return !now.Before(hs.slot)
}

// giveUpLateSlot gives up a place that has come a while ago, once: the machine was
// behind, or the transport, and all whose places came meanwhile would leave at
// once.
func (hs *handshakeState) giveUpLateSlot(now mono.Time) {
	if !hs.slot.IsZero() && now.Sub(hs.slot) > slotGrace && !hs.secondSlot {
		hs.releaseSlot()
		hs.secondSlot = true
	}
}

// releaseSlot gives up the place: the next handshake takes a new one.
func (hs *handshakeState) releaseSlot() {
	hs.slot, hs.slotDue, hs.secondSlot = mono.Time{}, mono.Time{}, false
}
