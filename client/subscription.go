package client

import (
	"context"
	"errors"
	"iter"
	"sync"

	"github.com/turold/turold/bayeux"
)

// A Subscription is a stream that the application pulls from. What it has not
// pulled waits in a queue with a bound, and delays no other subscription. The methods
// are safe for concurrent use; each item goes to one caller of Next.
type Subscription struct {
	c                 *Client
	channel           bayeux.Channel
	bound             Bound
	ready             chan struct{} // signalled when there is something to take
	full              QueuePolicy
	local             bool // it is Listen's: the server does not know of it
	owesNewSessionGap bool // the gap of a new session is to come once the server has the channel again; guarded by the client's mutex

	mu               sync.Mutex
	queue            deque
	size             Bound         // messages and bytes in queue; of gaps there is one a message at most
	batchSize        Bound         // what was queued of the batch that is being delivered
	err              error         // why the stream is over once the queue is empty; nil: it is not
	hands            hands         // the consumers that have what was taken
	handledAll       chan struct{} // made by drain, closed when all is handled
	handledAllClosed bool          // handledAll is closed
	lastWasGap       bool          // the last entry that was taken is a gap
	unsubscribed     bool          // Unsubscribe was called
}

func newSubscription(c *Client, ch bayeux.Channel, o *SubscribeOptions, local bool) *Subscription {
	return &Subscription{c: c, channel: ch, local: local, bound: o.Queue.or(16_384, 16<<20), full: o.WhenFull, ready: make(chan struct{}, 1)}
}

// Channel is the channel or pattern subscribed to.
func (s *Subscription) Channel() bayeux.Channel { return s.channel }

// Next returns the next item of the stream, and waits for it if there is none
// yet: a message, or a gap where messages may be missing. The error is the
// context's, after which Next may be called again, or why the stream is over:
// ErrUnsubscribed, ErrClosed, ErrDraining, ErrQueueFull, why the client ended, or
// an *OpError if the server refused the subscription in a later session.
//
// The message's Data and Ext may be shared with other subscriptions and must
// not be changed; they stay valid, and may keep the whole frame they came in, or
// what came in it for this subscription.
func (s *Subscription) Next(ctx context.Context) (Item[bayeux.Message], error) {
	e, err, _ := s.next(ctx, new(consumer))
	if err != nil {
		return Item[bayeux.Message]{}, err
	}
	return e.item(), nil
}

// next is Next; over: err is the subscription's end, not the context's.
func (s *Subscription) next(ctx context.Context, k *consumer) (e entry, err error, over bool) {
	for comes := true; ; comes = false {
		if e, err, ok := s.take(k, comes); ok {
			return e, err, err != nil
		}
		select {
		case <-s.ready:
		case <-ctx.Done():
			s.onWaitEnded(ctx, k)
			return entry{}, context.Cause(ctx), false
		}
	}
}

// Messages yields the items that Next returns, messages and gaps, until the context
// ends or the subscription does. An error is the last thing that it yields: the loop
// is over. After Unsubscribe it ends without one.
func (s *Subscription) Messages(ctx context.Context) iter.Seq2[Item[bayeux.Message], error] {
	return func(yield func(Item[bayeux.Message], error) bool) {
		k := &consumer{loop: true}
		defer s.onLoopLeft(k) // also where the body panics
		for {
			e, err, over := s.next(ctx, k)
			switch {
			case over && errors.Is(err, ErrUnsubscribed):
				return
			case err != nil: // the context's may be anything: its cause is the caller's
				yield(Item[bayeux.Message]{}, err)
				return
			}
			if !yield(e.item(), nil) {
				return
			}
		}
	}
}

// take removes the first entry, or returns the final error; not ok: there is
// nothing yet. comes is true at the first try of a call: its consumer has come back.
func (s *Subscription) take(k *consumer, comes bool) (e entry, err error, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if comes {
		s.onConsumerBack(k)
	}
	if s.queue.n == 0 {
		if s.err != nil {
			s.signal()
		}
		return entry{}, s.err, s.err != nil
	}
	e = s.pop()
	s.onTaken(k)
	s.lastWasGap = e.gap != nil
	if s.queue.n > 0 || s.err != nil {
		s.signal() // for another caller of Next
	}
	return e, nil, true
}

func (s *Subscription) pop() entry {
	e := s.queue.popFront()
	if e.gap == nil {
		s.size.Messages--
		s.size.Bytes -= weight(&e.m)
	}
	return e
}

func (s *Subscription) signal() {
	select {
	case s.ready <- struct{}{}:
	default:
	}
}

// yieldAfter is how many messages may wait before the goroutine that delivers yields
// the processor to the reader, which matters where there is but one.
const yieldAfter = 32

// entryBytes is about what an entry of a queue takes in memory by itself.
const entryBytes = 128

// weight is how many bytes of a Bound a message takes.
func weight(m *bayeux.Message) int { return entryBytes + m.Size() }

// put queues a message of a batch of that many bytes. It returns the gap that this
// opened, if it did, whether many messages wait, and whether detachBatch is to be
// called at the end of the batch.
func (s *Subscription) put(m *bayeux.Message, batch int) (opened *GapError, full, shares bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err != nil {
		return nil, false, false
	}
	bytes := weight(m)
	for s.size.Messages > 0 && (s.size.Messages >= s.bound.Messages || s.size.Bytes+bytes > s.bound.Bytes) {
		switch s.full {
		case QueueEndWhenFull:
			s.err = ErrQueueFull
			return nil, false, false
		case QueueDropNewest:
			if s.addGap(GapError{Channel: s.channel, Reason: GapQueueFull, Missed: 1}) {
				opened = &GapError{Channel: s.channel, Reason: GapQueueFull, Missed: 1}
			}
			return opened, true, false
		}
		gap := s.dropOldest()
		if gap != nil {
			opened = gap
		}
	}
	if shares = s.batchSize.Messages == 0 && batch > 2*bytes; shares || s.batchSize.Messages > 0 {
		s.batchSize.Messages++
		s.batchSize.Bytes += bytes
	}
	s.queue.pushBack(entry{m: *m})
	s.size.Messages++
	s.size.Bytes += bytes
	s.signal()
	return opened, s.size.Messages >= yieldAfter, shares
}

// smallBatchBytes bounds the batch that a queue may keep for a few messages, if nothing
// else is in it: its reader is about to take them.
const smallBatchBytes = 16 << 10

// detachBatch is called at the end of a batch of that many bytes. A message keeps the
// frame it came in: if that is more than twice what the queue has of the batch, its
// messages are moved into memory of their own. So what a queue keeps is no more than
// three times what its bound counts.
func (s *Subscription) detachBatch(batch int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	left := s.batchSize
	s.batchSize = Bound{}
	if left.Messages > s.size.Messages { // the reader was here, or more was dropped
		left = s.size
	}
	if left.Messages == s.size.Messages && batch <= smallBatchBytes || batch <= 2*left.Bytes {
		return
	}
	var own []*bayeux.Message
	for i := s.queue.n - 1; len(own) < left.Messages; i-- {
		if e := s.queue.at(i); e.gap == nil {
			own = append(own, &e.m)
		}
	}
	detach(own)
}

// detach moves what messages alias into memory of their own.
func detach(ms []*bayeux.Message) {
	size := 0
	for _, m := range ms {
		size += len(m.Data) + len(m.Ext)
	}
	room := make([]byte, 0, size)
	move := func(b []byte) []byte {
		if b == nil {
			return nil
		}
		room = append(room, b...)
		return room[len(room)-len(b) : len(room) : len(room)]
	}
	for _, m := range ms {
		m.Data, m.Ext = move(m.Data), move(m.Ext)
	}
}

// dropOldest drops the oldest message. A gap before it, if there is one,
// grows by it. The message behind a gap that was just taken is spared, if there
// is another: a slow reader would get gaps and little else.
func (s *Subscription) dropOldest() *GapError {
	if s.lastWasGap && s.size.Messages > 1 && s.queue.at(0).gap == nil {
		spared := s.pop()
		g := s.dropFirst()
		s.queue.pushFront(spared)
		s.size.Messages++
		s.size.Bytes += weight(&spared.m)
		return g
	}
	return s.dropFirst()
}

func (s *Subscription) dropFirst() (opened *GapError) {
	e := s.pop()
	gap := e.gap
	if gap != nil {
		s.pop() // no gap follows another: this is the oldest message
		gap.merge(&GapError{Reason: GapQueueFull, Missed: 1})
	} else {
		gap = &GapError{Channel: s.channel, Reason: GapQueueFull, Missed: 1}
		opened = gap
	}
	if s.queue.n > 0 && s.queue.at(0).gap != nil {
		gap.merge(s.queue.popFront().gap)
	}
	s.queue.pushFront(entry{gap: gap})
	return opened
}

// putGap queues a gap.
func (s *Subscription) putGap(g GapError) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err == nil {
		s.addGap(g)
	}
}

// addGap is putGap with the mutex held. A gap that follows another becomes part of
// it: however often a connection is lost while no reader takes anything, that is one
// gap. It reports whether the gap is a new one.
func (s *Subscription) addGap(g GapError) bool {
	if n := s.queue.n; n > 0 && s.queue.at(n-1).gap != nil {
		s.queue.at(n - 1).gap.merge(&g)
		return false
	}
	s.queue.pushBack(entry{gap: &GapError{Channel: g.Channel, Reason: g.Reason, Missed: g.Missed}})
	s.signal()
	return true
}

// finish ends the subscription once the queue is empty.
func (s *Subscription) finish(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err == nil {
		s.err = err
		s.signal()
	}
}
