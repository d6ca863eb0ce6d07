package client

import (
	"cmp"
	"sync"
	"time"

	"github.com/turold/turold/internal/mono"
)

// A handshakeLimiter spreads the handshakes that the sessions of a Dialer send to one host:
// after a restart of the server, or a change of the network, all want to begin
// anew at once. Each handshake reserves the next slot in time; slots come closer to one
// another the longer the rush lasts, up to the full rate.
type handshakeLimiter struct {
	mu        sync.Mutex
	rushStart mono.Time // is when the present rush began
	nextSlot  mono.Time // is the first slot that is free
}

const (
	defaultHandshakeRate = 500                    // is how many handshakes a second may go to one host, by default
	handshakeBurst       = 50                     // is how many may go at once, when none did for a while
	rushSlowdown         = 4                      // divides the rate at the beginning of a rush
	rushStepTime         = 500 * time.Millisecond // is how long a rush has one rate before the next higher one
	slotGrace            = 250 * time.Millisecond // is how late a handshake may use its slot
)

// reserve takes the next slot, and returns when it is.
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

// mayHandshake reports whether a handshake may leave now. If not, the timer fires when it
// may. A slot stays reserved until the handshake is granted or has failed.
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

// giveUpLateSlot gives up a slot that has come a while ago, once: the machine or the
// transport was late, and all handshakes whose slots came meanwhile would leave at once.
func (hs *handshakeState) giveUpLateSlot(now mono.Time) {
	if !hs.slot.IsZero() && now.Sub(hs.slot) > slotGrace && !hs.secondSlot {
		hs.releaseSlot()
		hs.secondSlot = true
	}
}

// releaseSlot gives up the slot: the next handshake reserves a new one.
func (hs *handshakeState) releaseSlot() {
	hs.slot, hs.slotDue, hs.secondSlot = mono.Time{}, mono.Time{}, false
}
