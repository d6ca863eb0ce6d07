package client

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

const (
	maxDisconnects     = 64          // of the disconnects that are under way to one host
	disconnectSlotTime = time.Second // after it an unanswered disconnect makes room for the next, and goes on waiting
)

// A DrainError counts the sessions that Drain left with something undone. One
// session may count in each field.
type DrainError struct {
	Unhandled   int   // sessions with messages in queues, or in a consumer's hands
	Unsettled   int   // sessions with publishes or calls that had no outcome
	Unconfirmed int   // sessions whose goodbye the server did not confirm: it keeps them until they expire
	Err         error // the context's; nil if Drain had all the time it needed
}

func (e *DrainError) Error() string {
	s := fmt.Sprintf("client: drain: sessions left unhandled: %d, unsettled: %d, unconfirmed: %d", e.Unhandled, e.Unsettled, e.Unconfirmed)
	if e.Err != nil {
		s += ": " + text(e.Err)
	}
	return s
}

// Unwrap returns the context's error.
func (e *DrainError) Unwrap() error { return e.Err }

// Drain ends every session of the Dialer in good order, before a program stops.
// From its call on nothing new is taken: Dial, Subscribe and the calls that publish
// fail with ErrDraining, and subscriptions take no more events and end with it behind
// what is queued. Each session by itself then waits until its queues are handled and
// its publishes have their outcomes, says goodbye as Disconnect does, and is closed: a
// session that hangs delays no other. A loop that ends with ErrDraining must not Close
// its client then, which cuts the goodbye short and counts as Unconfirmed; it may wait
// for the client's Done. At most 64 goodbyes a host are under way, those
// unanswered for a second not counted.
//
// An item is handled when its consumer comes back: when the body of the Messages loop
// that has it is left, or Next is called again. Next does not know its caller. A call
// that begins while consumers have items counts as one of these, unless its context
// runs into its deadline, and as many calls after that count for none: a caller that
// polls has no item. So loops tell several consumers of one subscription apart for
// certain; among callers of Next, one that calls for the first time while another has
// an item is taken for that one. Drain does not wait for a subscription after
// Unsubscribe, nor for a session that is closed meanwhile.
//
// When the context ends, all that is left is closed at once; until then Drain waits for
// the end of an outage, and for a queue without a reader. The error is nil if nothing
// was left undone, or a *DrainError. The Dialer is closed afterwards, as by Close. Drain
// may be called again and concurrently; the call whose context ends first closes what
// is left for all.
func (d *Dialer) Drain(ctx context.Context) error {
	var left DrainError
	var all sync.WaitGroup
	var mu sync.Mutex
	for _, c := range d.stopIntake() {
		all.Go(func() {
			one := c.drain(ctx)
			mu.Lock()
			defer mu.Unlock()
			left.add(one)
		})
	}
	all.Wait()
	_ = d.Close()
	return left.orNil(ctx)
}

// Drain ends the session in good order, as Dialer.Drain ends every session of a
// Dialer: nothing new is taken, what its queues hold is handled, its publishes
// settle, it says goodbye and is closed. A loop over messages ends with ErrDraining
// before the goodbye: do not Close the client then, which cuts the goodbye short, but
// wait for Done. The error is nil or a *DrainError that
// counts this one session. On a client that is closed it returns nil. Drain may be
// called again and concurrently; the call whose context ends first closes the client.
func (c *Client) Drain(ctx context.Context) error {
	left := c.drain(ctx)
	return left.orNil(ctx)
}

// orNil returns e, with the context's error, if anything was left undone.
func (e *DrainError) orNil(ctx context.Context) error {
	if e.Unhandled+e.Unsettled+e.Unconfirmed == 0 {
		return nil
	}
	e.Err = context.Cause(ctx)
	return e
}

func (e *DrainError) add(o DrainError) {
	e.Unhandled += o.Unhandled
	e.Unsettled += o.Unsettled
	e.Unconfirmed += o.Unconfirmed
}

// stopIntake returns the sessions there are, after which there are no more.
func (d *Dialer) stopIntake() []*Client {
	d.shared.mu.Lock()
	d.shared.draining = true
	d.shared.mu.Unlock()
	return d.all()
}

// drain ends the session, and returns what it left.
func (c *Client) drain(ctx context.Context) (left DrainError) {
	if !c.awaitHandled(ctx) {
		left.Unhandled = 1
	}
	_, _, _ = c.awaitSettled(ctx) // the outcomes are their senders'
	c.mu.Lock()
	ended := c.err != nil
	if c.outbox.usage.Messages > 0 && !ended {
		left.Unsettled = 1
	}
	c.mu.Unlock()
	if !ended && c.disconnectInTurn(ctx) != nil {
		left.Unconfirmed = 1
	}
	_ = c.Close()
	return left
}

// awaitHandled stops what comes in, and waits until what came is handled. It is
// false if the context ended first.
func (c *Client) awaitHandled(ctx context.Context) bool {
	for _, through := range c.refuseNew() {
		select {
		case <-through:
		case <-c.done:
			return true
		case <-ctx.Done():
			select {
			case <-through:
			default:
				return false
			}
		}
	}
	return true
}

// refuseNew makes the client take nothing new. It returns a channel for each
// subscription, which is closed when its items have been handled.
func (c *Client) refuseNew() (through []<-chan struct{}) {
	c.step(func(fx *effects) {
		if c.sessions == 0 { // Dial is under way
			c.endForGood(fx, &OpError{Op: "dial", Err: ErrDraining})
			return
		}
		c.draining = true
		c.outbox.signalRoom() // the callers that wait for room get ErrDraining
		for t := range c.topics.all() {
			for _, s := range t.subs {
				through = append(through, s.drain())
			}
		}
	})
	return through
}

// whyRefused is why nothing new is taken; nil: it is.
func (c *Client) whyRefused() error {
	switch {
	case c.draining:
		return ErrDraining
	case c.disconnect != nil:
		return ErrClosed
	}
	return nil
}

// disconnectInTurn disconnects when the host has a slot for it.
func (c *Client) disconnectInTurn(ctx context.Context) error {
	slots := c.dialer.host(c.base.URL.Host).disconnectSlots
	select {
	case slots <- struct{}{}:
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	var once sync.Once
	release := func() { once.Do(func() { <-slots }) }
	defer release()
	defer time.AfterFunc(disconnectSlotTime, release).Stop()
	return c.Disconnect(ctx)
}

// drain ends the subscription with ErrDraining, and returns what is closed
// when everything before it has been handled.
func (s *Subscription) drain() <-chan struct{} {
	s.finish(ErrDraining)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.handledAll == nil {
		s.handledAll = make(chan struct{})
		s.checkHandled()
	}
	return s.handledAll
}

// checkHandled closes handledAll if there is nothing left to handle; called with the mutex held.
func (s *Subscription) checkHandled() {
	if s.handledAll == nil || s.handledAllClosed || !s.unsubscribed && (s.queue.n > 0 || s.hands.any()) {
		return
	}
	s.handledAllClosed = true
	close(s.handledAll)
}

// A consumer takes from a subscription: it is a Messages loop, or a call of Next.
type consumer struct {
	loop       bool // it comes again, and is known then
	holds      bool // a loop: its body has a message
	hadMessage bool // a call: it counts as a consumer that comes back
}

// hands count the consumers that have a message.
type hands struct {
	loops   int32 // in the bodies of Messages loops
	callers int32 // given out by Next, whose callers are not known
	pollers int32 // callers of Next whose time was up: they have none, and call again
}

func (h *hands) any() bool { return h.loops > 0 || h.callers > 0 }

// onConsumerBack notes that a consumer comes again, and so has handled what it had. The caller
// holds the mutex.
func (s *Subscription) onConsumerBack(k *consumer) {
	switch h := &s.hands; {
	case k.loop && !k.holds:
	case k.loop:
		k.holds = false
		h.loops--
	case h.pollers > 0:
		h.pollers--
	case h.callers > 0:
		k.hadMessage = true
		h.callers--
	}
	s.checkHandled()
}

// onTaken notes that a consumer takes an entry. The caller holds the mutex.
func (s *Subscription) onTaken(k *consumer) {
	if k.holds = k.loop; k.loop {
		s.hands.loops++
	} else {
		s.hands.callers++
	}
}

// onWaitEnded notes that a consumer waits no longer. One whose deadline has passed will come
// again, and was then not the one that has a message: a consumer with a message does not wait.
func (s *Subscription) onWaitEnded(ctx context.Context, k *consumer) {
	if k.loop || !errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if k.hadMessage {
		s.hands.callers++
	} else {
		s.hands.pollers++
	}
}

// onLoopLeft notes that the body of a Messages loop was left.
func (s *Subscription) onLoopLeft(k *consumer) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.onConsumerBack(k)
}

// onUnsubscribed notes that Drain need not wait for the consumers.
func (s *Subscription) onUnsubscribed() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.unsubscribed = true
	s.checkHandled()
}
