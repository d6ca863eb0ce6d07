package client

import (
	"math/rand/v2"
	"time"

	cenkalti "github.com/cenkalti/backoff/v4"

	"github.com/turold/turold/internal/mono"
)

const (
	calmTime        = 5 * time.Second         // after so long without a failure the next one counts as the first
	newOutageTime   = time.Second             // a failure of what was connected for so long begins another outage
	maxFirstPause   = 50 * time.Millisecond   // bounds the pause after the first failure
	secondPause     = 200 * time.Millisecond  // is the pause after the second failure, doubled after each that follows
	pauseJitter     = 0.4                     // of a pause is added or taken off: clients that fell at once come back one by one
	maxEarlyPause   = 1600 * time.Millisecond // bounds a pause, but for jitter, while the outage is younger than earlyOutage
	earlyOutage     = 30 * time.Second        // is the age up to which an outage is early
	maxPause        = 20 * time.Second        // bounds a pause, but for jitter, later
	burstTries      = 10                      // is how many tries the first burstTime of an outage has at most, however the jitter falls
	burstTime       = 10 * time.Second        // see burstTries
	restartSpread   = 5 * time.Second         // is the time over which the clients of a server that drains come back
	minBackoffPause = 100 * time.Millisecond  // is the least pause that Options.Backoff gets, but for the first failure in a row
	maxAdvisedPause = 10 * time.Minute        // bounds what a server may ask for: a longer pause is a mistake, or looks like a session that hangs
)

// A backoff counts the failures in a row, and has the pause that follows them. It
// decides by the instants that its methods are given, and by chance.
type backoff struct {
	failures    int
	tries       int       // of them, since outageStart
	outageStart mono.Time // is when the first failure of the outage came
	lastFailure mono.Time
	recoveredAt mono.Time // is when the session was connected again after lastFailure; zero: it is not yet
	pauseUntil  mono.Time // is when something may be drawn again; zero: there is no pause; mono.Never: also while Options.Backoff is asked
	retriedAt   mono.Time // is when another connection or transport was tried at once; zero: none was, or it worked
	forgivenAt  mono.Time // is when forgive last forgot the failures
	exponential *cenkalti.ExponentialBackOff
}

// pausing reports whether nothing may be drawn.
func (b *backoff) pausing() bool { return !b.pauseUntil.IsZero() }

// endPause lets the session try at once.
func (b *backoff) endPause() { b.pauseUntil = mono.Time{} }

// onFailure counts a failure, unless a pause is on: then it belongs to the failure
// that the pause is for. It reports whether it counted, and for how long the outage
// has lasted. The pause is the caller's to set.
func (b *backoff) onFailure(now mono.Time, connected bool) (outage time.Duration, counted bool) {
	if b.pausing() {
		return 0, false
	}
	if b.failures > 0 && connected && now.Sub(b.lastFailure) > calmTime {
		b.failures = 0
	}
	if b.failures++; b.failures == 1 || !b.recoveredAt.IsZero() && now.Sub(b.recoveredAt) > newOutageTime {
		b.outageStart, b.tries = now, 0
	}
	b.tries++
	b.lastFailure, b.recoveredAt = now, mono.Time{}
	return now.Sub(b.outageStart), true
}

// next returns the pause after the failure that was just counted.
func (b *backoff) next(now mono.Time, outage time.Duration) time.Duration {
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
	pause := b.exponential.NextBackOff()
	if left := burstTime - outage; b.tries == burstTries && pause < left {
		return left + rand.N(maxEarlyPause) // so that not all sessions come at the end of it
	}
	return pause
}

// awaitBackoff has the pause last until onBackoff says how long it is.
func (b *backoff) awaitBackoff() { b.pauseUntil = mono.Never }

// onBackoff takes the pause that Options.Backoff returned for a number of failures,
// none of which is negative. A pause that has ended meanwhile stays ended.
func (b *backoff) onBackoff(now mono.Time, failures int, pause, floor time.Duration) {
	if b.pauseUntil != mono.Never {
		return
	}
	if failures > 1 {
		pause = max(pause, minBackoffPause)
	}
	b.pauseUntil = now.Add(max(pause, floor))
}

// atLeast makes the pause last for floor from now on.
func (b *backoff) atLeast(now mono.Time, floor time.Duration) {
	if least := now.Add(floor); b.pauseUntil.Before(least) {
		b.pauseUntil = least
	}
}

// onRecovered ends the pause, because a connect was answered. The count goes on until
// nothing failed for a while, so that a link that breaks at once each time is
// not hammered.
func (b *backoff) onRecovered(now mono.Time) {
	b.pauseUntil, b.retriedAt = mono.Time{}, mono.Time{}
	if b.recoveredAt.IsZero() {
		b.recoveredAt = now
	}
	if b.failures > 0 && now.Sub(b.lastFailure) > calmTime {
		b.failures = 0
	}
}

// forgive forgets the failures of an outage that ends with a server that answers,
// but does not know the session: the server is back, and waits for a handshake. A
// server that forgets every session at once is not forgiven each time.
func (b *backoff) forgive(now mono.Time) {
	if now.Sub(b.forgivenAt) > calmTime {
		*b = backoff{forgivenAt: now}
	}
}
