package client

import (
	"math/rand/v2"
	"time"

	cenkalti "github.com/cenkalti/backoff/v4"

	"github.com/turold/turold/internal/mono"
	"github.com/turold/turold/transport"
)

const (
	calmTime        = 5 * time.Second         // without a failure for so long, the next one counts as the first
	newOutageTime   = time.Second             // connected for so long, what fails then is another outage
	maxFirstPause   = 50 * time.Millisecond   // at most, after the first failure
	secondPause     = 200 * time.Millisecond  // after the second, doubling
	pauseJitter     = 0.4                     // of a pause, more or less: clients that fell at once come back one by one
	maxEarlyPause   = 1600 * time.Millisecond // at most, but for jitter, during
	earlyOutage     = 30 * time.Second        // the first of an outage
	maxPause        = 20 * time.Second        // at most, but for jitter, later
	burstTries      = 10                      // tries of an outage, at most, in
	burstTime       = 10 * time.Second        // its beginning, however the jitter falls
	restartSpread   = 5 * time.Second         // over which clients of a server that drains come back
	minBackoffPause = 100 * time.Millisecond  // of a Backoff of the user's, but for the first failure in a row
	maxAdvisedPause = 10 * time.Minute        // a server may ask for: what is longer is a mistake, or looks like a session that hangs
)

// backoff are those in a row, and the pause they cost.
type backoff struct {
	failures    int
	tries       int       // of them, since start
	outageStart mono.Time // of the outage: of its first
	lastFailure mono.Time
	recoveredAt mono.Time // when it was connected again after the last; zero: it has yet to be
	pauseUntil  mono.Time // nothing is drawn before; zero: no pause; never, too, while Backoff is asked
	retriedAt   mono.Time // when another connection or transport was tried at once; zero: not, or it worked
	forgivenAt  mono.Time // when answered last forgot the others
	exponential *cenkalti.ExponentialBackOff
}

// onFailure counts a failure, unless a pause is on already, for which it counts as
// the same, and pauses for at least floor.
func (c *Client) onFailure(fx *effects, cause error, floor time.Duration) {
	b, now := &c.backoff, mono.Now()
	if b.pauseUntil.IsZero() {
		if b.failures > 0 && c.state == StateConnected && now.Sub(b.lastFailure) > calmTime {
			b.failures = 0
		}
		if b.failures++; b.failures == 1 || !b.recoveredAt.IsZero() && now.Sub(b.recoveredAt) > newOutageTime {
			b.outageStart, b.tries = now, 0
		}
		b.tries++
		b.lastFailure, b.recoveredAt = now, mono.Time{}
		c.handshake.releaseSlot()
		c.dialer.shared.failures.Add(1)
		if outage := now.Sub(b.outageStart); c.options.Backoff == nil {
			b.pauseUntil = now.Add(c.nextPause(now, outage))
		} else {
			n := b.failures
			b.pauseUntil = mono.Never
			fx.then(func() { c.callBackoff(n, outage, floor) })
		}
	}
	if least := now.Add(floor); b.pauseUntil.Before(least) {
		b.pauseUntil = least
	}
	c.setState(fx, StateWaiting, cause)
}

// callBackoff has the user's Backoff say how long the pause is that began, unless
// it has ended meanwhile.
func (c *Client) callBackoff(n int, outage, floor time.Duration) {
	pause := c.options.Backoff(n, outage)
	c.step(func(fx *effects) {
		b := &c.backoff
		if b.pauseUntil != mono.Never {
			return
		}
		if pause < 0 {
			c.endForGood(fx, asOp("connect", c.cause))
			return
		}
		if n > 1 {
			pause = max(pause, minBackoffPause)
		}
		b.pauseUntil = mono.Now().Add(max(pause, floor))
	})
}

// nextPause is the wait after the failure just counted.
func (c *Client) nextPause(now mono.Time, outage time.Duration) time.Duration {
	b := &c.backoff
	if b.failures == 1 {
		b.exponential = cenkalti.NewExponentialBackOff(cenkalti.WithInitialInterval(secondPause), cenkalti.WithMultiplier(2),
			cenkalti.WithRandomizationFactor(pauseJitter), cenkalti.WithMaxInterval(maxEarlyPause), cenkalti.WithMaxElapsedTime(0))
		if now.Sub(b.retriedAt) >= secondPause { // else what failed was a second try already
			return rand.N(maxFirstPause)
		}
	}
	b.exponential.MaxInterval = maxEarlyPause
	if outage > earlyOutage {
		b.exponential.MaxInterval = maxPause
	}
	wait := b.exponential.NextBackOff()
	if rest := burstTime - outage; b.tries == burstTries && wait < rest {
		return rest + rand.N(maxEarlyPause) // not all at once
	}
	return wait
}

// onRecovered ends the pause: something got through. The count goes on until
// nothing failed for a while, so that a link that breaks at once each time is
// not hammered.
func (c *Client) onRecovered() {
	b := &c.backoff
	b.pauseUntil, b.retriedAt = mono.Time{}, mono.Time{}
	if b.recoveredAt.IsZero() {
		b.recoveredAt = mono.Now()
	}
	if b.failures > 0 && mono.Since(b.lastFailure) > calmTime {
		b.failures = 0
	}
}

// forgiveFailures forgets the failures of an outage that ends with a server that
// does not know the session: it is back, and what it waits for is a handshake.
// One that forgets every session at once is not hammered.
func (c *Client) forgiveFailures() {
	b, now := &c.backoff, mono.Now()
	if c.hasConnected && now.Sub(b.forgivenAt) > calmTime {
		*b = backoff{forgivenAt: now}
	}
}

// leastPauseOf is the least pause that the end of a leg asks for.
func leastPauseOf(err *transport.Error) time.Duration {
	if err == nil {
		return 0
	}
	// Going away and service restart (RFC 6455 section 7.4.1): every client of
	// that server comes back at once, unless they spread.
	if err.Op == "close" && (err.Status == 1001 || err.Status == 1012) {
		return max(err.RetryAfter, rand.N(restartSpread))
	}
	return min(err.RetryAfter, maxAdvisedPause)
}

// causeOf unwraps to an error interface that is nil if err is.
func causeOf(err *transport.Error) error {
	if err == nil {
		return errReply
	}
	return err
}
