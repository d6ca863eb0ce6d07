package client

import (
	"time"

	"github.com/turold/turold/internal/mono"
)

const (
	clockInterval = 5 * time.Second // is the time between two looks at the clocks
	minClockJump  = 2 * time.Second // is the least difference that is no adjustment: those of NTP are smaller, or slow
	jumpGrace     = 2 * time.Second // is left to what should have come while the machine slept
)

// A clockWatch finds out that the machine slept, or that its clock was set: the
// monotonic clock stands still in the one case and the wall clock jumps in
// both, so that they part. Timers run by the monotonic one, and would be late.
type clockWatch struct {
	timer *time.Timer
	at    mono.Time        // of the last look
	wall  time.Time        // then
	now   func() time.Time // the wall clock; nil: the machine's
}

func (w *clockWatch) read() time.Time {
	if w.now != nil {
		return w.now()
	}
	return time.Now().Round(0) // without the monotonic reading
}

// look returns how far the wall clock went ahead of the monotonic one since
// the last look.
func (w *clockWatch) look() time.Duration {
	at, wall := mono.Now(), w.read()
	jump := wall.Add(-at.Sub(w.at)).Sub(w.wall)
	w.at, w.wall = at, wall
	return jump
}

// watchClocks begins to look at the clocks, with the first session. The caller holds
// the mutex of shared.
func (d *Dialer) watchClocks() {
	w := &d.shared.watch
	w.look()
	w.timer = time.AfterFunc(clockInterval, d.lookAtClocks)
}

func (d *Dialer) lookAtClocks() {
	s := &d.shared
	s.mu.Lock()
	if len(s.clients) == 0 {
		s.mu.Unlock()
		return
	}
	jump := s.watch.look()
	s.watch.timer.Reset(clockInterval)
	s.mu.Unlock()
	if jump.Abs() < minClockJump {
		return
	}
	d.network().DropIdleConnections()
	for _, c := range d.all() {
		c.onClockJump(jump)
	}
}

// onClockJump takes account of a difference of the clocks. While the machine slept the
// server's time went on, so what waits for an answer has less time left, or none; a
// pause is over; and the transport checks whether its open connections live.
func (c *Client) onClockJump(jump time.Duration) {
	c.log.Info("clock", "jump", jump)
	c.step(func(fx *effects) {
		now := mono.Now()
		if jump > 0 {
			for _, p := range c.outbox.pending {
				advance(&p.deadline, jump, now)
			}
			for _, t := range []*mono.Time{&c.outbox.nextCheck, &c.connect.deadline, &c.handshake.deadline} {
				advance(t, jump, now)
			}
			if c.connect.dueAt.After(now) {
				c.connect.dueAt = now
			}
		}
		if r := &c.handshake.renewAt; !r.IsZero() { // a credential expires by the wall clock
			*r = r.Add(-jump)
		}
		c.timerAt = mono.Time{} // the timer is set anew
		c.backoff.endPause()
		c.wakeLanes(fx)
		fx.then(c.transport.Check)
	})
}

// advance moves a deadline ahead by a jump, but leaves a moment from now.
func advance(t *mono.Time, jump time.Duration, now mono.Time) {
	if least := now.Add(jumpGrace); t.After(least) {
		*t = t.Add(-jump)
		if t.Before(least) {
			*t = least
		}
	}
}
