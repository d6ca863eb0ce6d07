package client

import (
	"math/rand/v2"
	"time"

	"github.com/cenkalti/backoff/v4"

	"github.com/turold/turold/internal/mono"
	"github.com/turold/turold/transport"
)

const (
	settled     = 5 * time.Second         // without a failure for so long, the next one counts as the first
	worked      = time.Second             // connected for so long, what fails then is another outage
	firstRetry  = 50 * time.Millisecond   // at most, after the first failure
	firstPause  = 200 * time.Millisecond  // after the second, doubling
	jitter      = 0.4                     // of a pause, more or less: clients that fell at once come back one by one
	shortPause  = 1600 * time.Millisecond // at most, but for jitter, during
	shortOutage = 30 * time.Second        // the first of an outage
	longPause   = 20 * time.Second        // at most, but for jitter, later
	burst       = 10                      // tries of an outage, at most, in
	burstTime   = 10 * time.Second        // its beginning, however the jitter falls
	spread      = 5 * time.Second         // over which clients of a server that drains come back
	leastPause  = 100 * time.Millisecond  // of a Backoff of the user's, but for the first failure in a row
	longestWish = 10 * time.Minute        // a server may ask for: what is longer is a mistake, or looks like a session that hangs
)

// failures are those in a row, and the pause they cost.
type failures struct {
	n     int
	tries int       // of them, since start
	start mono.Time // of the outage: of its first
	last  mono.Time
	up    mono.Time // when it was connected again after the last; zero: it has yet to be
	until mono.Time // nothing is drawn before; zero: no pause; never, too, while Backoff is asked
	again mono.Time // when another connection or transport was tried at once; zero: not, or it worked
	freed mono.Time // when answered last forgot the others
	back  *backoff.ExponentialBackOff
}

// fail counts a failure, unless a pause is on already, for which it counts as
// the same, and pauses for at least floor.
func (c *Client) fail(e *fx, cause error, floor time.Duration) {
	f, now := &c.failures, mono.Now()
	if f.until.IsZero() {
		if f.n > 0 && c.state == Connected && now.Sub(f.last) > settled {
			f.n = 0
		}
		if f.n++; f.n == 1 || !f.up.IsZero() && now.Sub(f.up) > worked {
			f.start, f.tries = now, 0
		}
		f.tries++
		f.last, f.up = now, mono.Time{}
		c.shake.leaves()
		c.d.shared.failures.Add(1)
		if outage := now.Sub(f.start); c.o.Backoff == nil {
			f.until = now.Add(c.pause(now, outage))
		} else {
			n := f.n
			f.until = mono.Never
			e.tell(func() { c.askBackoff(n, outage, floor) })
		}
	}
	if least := now.Add(floor); f.until.Before(least) {
		f.until = least
	}
	c.turn(e, Waiting, cause)
}

// askBackoff has the user's Backoff say how long the pause is that began, unless
// it has ended meanwhile.
func (c *Client) askBackoff(n int, outage, floor time.Duration) {
	pause := c.o.Backoff(n, outage)
	c.step(func(e *fx) {
		f := &c.failures
		if f.until != mono.Never {
			return
		}
		if pause < 0 {
			c.stop(e, asOp("connect", c.cause))
			return
		}
		if n > 1 {
			pause = max(pause, leastPause)
		}
		f.until = mono.Now().Add(max(pause, floor))
	})
}

// pause is the wait after the failure just counted.
func (c *Client) pause(now mono.Time, outage time.Duration) time.Duration {
	f := &c.failures
	if f.n == 1 {
		f.back = backoff.NewExponentialBackOff(backoff.WithInitialInterval(firstPause), backoff.WithMultiplier(2),
			backoff.WithRandomizationFactor(jitter), backoff.WithMaxInterval(shortPause), backoff.WithMaxElapsedTime(0))
		if now.Sub(f.again) >= firstPause { // else what failed was a second try already
			return rand.N(firstRetry)
		}
	}
	f.back.MaxInterval = shortPause
	if outage > shortOutage {
		f.back.MaxInterval = longPause
	}
	wait := f.back.NextBackOff()
	if rest := burstTime - outage; f.tries == burst && wait < rest {
		return rest + rand.N(shortPause) // not all at once
	}
	return wait
}

// recovered ends the pause: something got through. The count goes on until
// nothing failed for a while, so that a link that breaks at once each time is
// not hammered.
func (c *Client) recovered() {
	f := &c.failures
	f.until, f.again = mono.Time{}, mono.Time{}
	if f.up.IsZero() {
		f.up = mono.Now()
	}
	if f.n > 0 && mono.Since(f.last) > settled {
		f.n = 0
	}
}

// answered forgets the failures of an outage that ends with a server that
// does not know the session: it is back, and what it waits for is a handshake.
// One that forgets every session at once is not hammered.
func (c *Client) answered() {
	f, now := &c.failures, mono.Now()
	if c.lived && now.Sub(f.freed) > settled {
		*f = failures{freed: now}
	}
}

// floorOf is the least pause that the end of a leg asks for.
func floorOf(err *transport.Error) time.Duration {
	if err == nil {
		return 0
	}
	// Going away and service restart (RFC 6455 section 7.4.1): every client of
	// that server comes back at once, unless they spread.
	if err.Op == "close" && (err.Status == 1001 || err.Status == 1012) {
		return max(err.RetryAfter, rand.N(spread))
	}
	return min(err.RetryAfter, longestWish)
}

// causeOf unwraps to an error interface that is nil if err is.
func causeOf(err *transport.Error) error {
	if err == nil {
		return errReply
	}
	return err
}
