package engine

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/turold/turold/bayeux"
	"github.com/turold/turold/client"
)

// A publisher is a goroutine that publishes. Its messages have an order.
type publisher struct {
	id int

	mu   sync.Mutex
	sent []*publish // by number
}

// A publish is one message, and what was said of it.
type publish struct {
	channel bayeux.Channel
	again   bool            // it may be sent again
	at      time.Time       // when it was handed over
	receipt *client.Receipt // nil: err is the outcome
	err     error
	done    bool
}

// next begins a publish. Its outcome is told by settle, or its receipt.
func (p *publisher) next(ch bayeux.Channel, again bool) (ID, *publish) {
	x := &publish{channel: ch, again: again, at: time.Now()}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.sent = append(p.sent, x)
	return ID{p.id, len(p.sent) - 1}, x
}

// settle is told the outcome.
func (p *publisher) settle(x *publish, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	x.err, x.done = err, true
}

// handed is told that a receipt will have the outcome.
func (p *publisher) handed(x *publish, r *client.Receipt) {
	p.mu.Lock()
	defer p.mu.Unlock()
	x.receipt = r
}

// outcome is what was said of it; not ok: nothing yet.
func (x *publish) outcome() (err error, ok bool) {
	if x.receipt == nil {
		return x.err, x.done
	}
	select {
	case <-x.receipt.Done():
		return x.receipt.Err(), true
	default:
		return nil, false
	}
}

// floats reports whether it may have come to the server later than what was
// published behind it.
func (x *publish) floats() bool {
	err, _ := x.outcome()
	var out *client.OutcomeError
	return x.again || errors.As(err, &out) && out.Sent
}

// The words for outcomes.
const (
	arrived  = "arrived"
	unknown  = "unknown"
	notTaken = "not taken"
	refused  = "refused"
)

// judge says in a word what the outcome is, and what is wrong with it if the
// server took the publish so often.
func (x *publish) judge(taken int) (word, wrong string) {
	err, ok := x.outcome()
	if !ok {
		return "not settled", "has no outcome"
	}
	var out *client.OutcomeError
	var refusal *bayeux.Error
	least, most := 0, 0
	switch {
	case err == nil:
		word, least, most = arrived, 1, 1
	case errors.As(err, &out) && out.Sent:
		word, most = unknown, 1
	case errors.As(err, &out):
		word = notTaken
	case errors.As(err, &refusal):
		word = refused
	default:
		return "something else", fmt.Sprintf("has an outcome of no kind: %v", err)
	}
	if x.again && most > 0 {
		most = 1 << 30
	}
	switch {
	case strings.HasPrefix(string(x.channel), Denied) && err == nil:
		return word, "was granted, and the server denies it"
	case taken < least || taken > most:
		return word, fmt.Sprintf("was taken %d times, and the outcome is %q: %v", taken, word, err)
	}
	return word, ""
}
