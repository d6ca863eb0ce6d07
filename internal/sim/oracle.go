package main

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/turold/turold/bayeux"
	"github.com/turold/turold/bayeux/bayeuxtest"
	"github.com/turold/turold/client"
)

// A reader reads one subscription and compares it with what was published.
type reader struct {
	channel   bayeux.Channel
	published int
	last      atomic.Int64 // the greatest number that came
}

// publish publishes the next number. The server may be gone: it is lost then.
func (r *reader) publish(w *world) {
	_ = w.server.Publish(r.channel, r.published)
	r.published++
}

// An account is what a reader knows of the numbers of its channel.
type account struct {
	strict  bool         // with ack they come in order
	last    int          // the greatest so far; -1: none came
	told    int          // missing by gaps of known size
	unknown bool         // a gap of unknown size since the last
	holes   map[int]bool // skipped; true: a gap of unknown size excuses it. Without ack they may still come: long-polling has two requests, and no order between them
}

// gap takes what stands in an event's place.
func (a *account) gap(g *client.GapError) {
	if g.Missed >= 0 {
		a.told += g.Missed
		return
	}
	a.unknown = true
	for n := range a.holes {
		a.holes[n] = true
	}
}

// take takes a number, and returns what is wrong with it.
func (a *account) take(n int) error {
	_, skipped := a.holes[n]
	switch {
	case n <= a.last && (a.strict || !skipped):
		return fmt.Errorf("%d after %d", n, a.last)
	case n <= a.last:
		delete(a.holes, n)
		return nil
	}
	for hole := a.last + 1; hole < n && a.last >= 0; hole++ { // what was published before the first is not owed
		a.holes[hole] = a.unknown
	}
	a.last, a.unknown = n, false
	if a.strict {
		return a.settle()
	}
	return nil
}

// settle returns what is missing though nobody said so.
func (a *account) settle() error {
	silent := 0
	for hole, excused := range a.holes {
		if !excused {
			silent++
		}
		if a.strict {
			delete(a.holes, hole)
		}
	}
	told := a.told
	if a.strict {
		a.told = 0
	}
	if silent > told {
		return fmt.Errorf("%d missing before %d, %d of them told", silent, a.last, told)
	}
	return nil
}

// read subscribes and reads until the world ends.
func (w *world) read(ch bayeux.Channel) {
	r := &reader{channel: ch}
	r.last.Store(-1)
	slow := w.rng.IntN(8) == 0
	o := &client.SubscribeOptions{}
	if slow {
		o.Queue.Messages = 20
	}
	sub, err := w.subscribe(ch, o)
	if err != nil { // trouble may last longer than it waits
		w.tally.count(fmt.Sprintf("subscribe: %v", err), 1)
		return
	}
	w.readers = append(w.readers, r)
	acked := !w.noAck && w.options.Profile != bayeuxtest.Faye
	a := account{strict: acked, last: -1, holes: map[int]bool{}}
	w.wg.Go(func() {
		for {
			m, err := sub.Next(w.ctx)
			var gap *client.GapError
			if errors.As(err, &gap) {
				a.gap(gap)
				if acked && gap.Reason == client.ConnectionLost {
					w.t.Errorf("%s: a lost connection lost events, with ack", ch)
				}
				continue
			}
			if err != nil {
				if w.ctx.Err() == nil && !errors.Is(err, client.ErrClosed) {
					w.t.Errorf("%s ended: %v", ch, err)
				}
				break
			}
			n, err := strconv.Atoi(string(m.Data))
			if err == nil {
				err = a.take(n)
			}
			if err != nil {
				w.t.Errorf("%s: %v", ch, err)
			}
			r.last.Store(int64(a.last))
			w.tally.count("events", 1)
			if slow {
				w.sleep(100 * time.Millisecond)
			}
		}
		if err := a.settle(); err != nil {
			w.t.Errorf("%s: %v", ch, err)
		}
	})
}

// subscribe waits as long as things may be broken.
func (w *world) subscribe(ch bayeux.Channel, o *client.SubscribeOptions) (*client.Subscription, error) {
	ctx, cancel := context.WithTimeout(w.ctx, time.Minute)
	defer cancel()
	return w.c.Subscribe(ctx, ch, o)
}

// peace waits until events come again on each channel.
func (w *world) peace() {
	start := time.Now()
	for _, r := range w.readers {
		mark := r.published
		for int(r.last.Load()) < mark {
			if time.Since(start) > recovers {
				w.t.Errorf("%s: nothing since %d; %d were published; %v", r.channel, r.last.Load(), r.published, w.c.Status())
				return
			}
			w.sleep(50 * time.Millisecond)
		}
	}
	w.tally.count("recovered", 1)
}

// judge compares what was said of the client's own publishes with what arrived.
func (w *world) judge() {
	w.sleep(15 * time.Second) // the last are settled
	w.lock <- struct{}{}
	defer func() { <-w.lock }()
	for i, p := range w.sent {
		var out *client.OutcomeError
		times := w.arrived[p.data]
		select {
		case <-p.r.Done():
		default:
			if i < len(w.sent)-10 {
				w.t.Errorf("publish %s is not settled", p.data)
			}
			continue
		}
		err := p.r.Err()
		switch {
		case err == nil && times == 1:
			w.tally.count("publish: arrived", 1)
		case errors.As(err, &out) && out.Sent && times <= 1:
			w.tally.count("publish: unknown", 1)
		case errors.As(err, &out) && !out.Sent && times == 0:
			w.tally.count("publish: not taken", 1)
		default:
			var refused *bayeux.Error
			if errors.As(err, &refused) {
				w.tally.count("publish: refused", 1)
				continue
			}
			w.t.Errorf("publish %s: %v, and it arrived %d times", p.data, err, times)
		}
	}
}
