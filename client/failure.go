package client

import (
	"math/rand/v2"
	"net/http"
	"time"

	"github.com/turold/turold/internal/mono"
	"github.com/turold/turold/transport"
)

// onFailure counts a failure and pauses for at least floor. What fails during a
// pause is part of the failure that the pause is for.
func (c *Client) onFailure(fx *effects, cause error, floor time.Duration) {
	b, now := &c.backoff, mono.Now()
	if outage, counted := b.onFailure(now, c.state == StateConnected); counted {
		c.handshake.releaseSlot()
		c.dialer.shared.failures.Add(1)
		if c.options.Backoff == nil {
			b.pauseUntil = now.Add(b.next(now, outage))
		} else {
			failures := b.failures
			b.awaitBackoff()
			fx.then(func() { c.callBackoff(failures, outage, floor) })
		}
	}
	b.atLeast(now, floor)
	c.setState(fx, StateWaiting, cause)
}

// callBackoff asks Options.Backoff how long the pause is that began.
func (c *Client) callBackoff(failures int, outage, floor time.Duration) {
	pause := c.options.Backoff(failures, outage)
	c.step(func(fx *effects) {
		if pause < 0 && c.backoff.pauseUntil == mono.Never {
			c.endForGood(fx, asOp("connect", c.cause))
			return
		}
		c.backoff.onBackoff(mono.Now(), failures, pause, floor)
	})
}

// onTransportFailure counts a failure of the transport. Without a session yet it is
// Dial's error. A sign-in that HTTP refused (RFC 9110 section 15.5.2) the Credentials
// hook may mend.
func (c *Client) onTransportFailure(fx *effects, err *transport.Error, what signIn) {
	cause := causeOf(err)
	refused := err != nil && err.Status == http.StatusUnauthorized && err.Op != "proxy" && c.options.Credentials != nil
	switch {
	case refused && c.retrySignIn(what):
	case refused:
		c.endForGood(fx, &OpError{Op: "credentials", Err: cause})
		return
	case c.sessions == 0 && !c.options.KeepDialing:
		c.endForGood(fx, &OpError{Op: "dial", Err: cause})
		return
	}
	if c.clientID != "" { // whatever was lost, ask soon for what there is
		c.connect.askSoon()
	}
	c.onFailure(fx, cause, leastPauseOf(err))
}

// leastPauseOf returns the least pause that the end of a leg asks for.
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

// causeOf returns err as an error; where a leg ended without one, the reply that it
// did not bring is the cause.
func causeOf(err *transport.Error) error {
	if err == nil {
		return errReply
	}
	return err
}
