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
	"github.com/turold/turold/internal/verdict"
)

// A reader reads one subscription and compares it with what was published.
type reader struct {
	channel   bayeux.Channel
	published atomic.Int64 // the next number
	last      atomic.Int64 // the greatest number that came
}

// publish publishes the next number. The server may be gone: it is lost then.
func (r *reader) publish(w *world) {
	_ = w.server.Load().Publish(r.channel, r.published.Add(1)-1)
}

// An account is what a reader knows of the numbers of its channel.
type account struct {
	strict  bool // with ack they come in order
	last    int  // the greatest so far; -1: none came
	told    int  // missing by gaps of known size
	unknown bool // a gap of unknown size since the last
	// Without ack a number that was skipped may still come: long-polling has two
	// requests, and no order between them.
	holes map[int]*hole
}

// A hole is a number that was skipped.
type hole struct {
	at      time.Time // when
	excused bool      // by a gap of unknown size, or because it was published before the subscription
}

// onItsWay is how long a number may be on its way behind those after it.
const onItsWay = 30 * time.Second

// gap takes what stands in an event's place.
func (a *account) gap(g *client.GapError) {
	if g.Missed >= 0 {
		a.told += g.Missed
		return
	}
	a.unknown = true
	for _, h := range a.holes {
		h.excused = true
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
	for skipped := a.last + 1; skipped < n; skipped++ {
		a.holes[skipped] = &hole{time.Now(), a.unknown || a.last < 0}
	}
	a.last, a.unknown = n, false
	if a.strict {
		return a.settle()
	}
	return nil
}

// settle returns what is missing though nobody said so.
func (a *account) settle() error {
	silent, first, at := 0, 0, time.Time{}
	for n, h := range a.holes {
		if !h.excused && (a.strict || time.Since(h.at) > onItsWay) {
			if silent++; silent == 1 || n < first {
				first, at = n, h.at
			}
		}
		if a.strict {
			delete(a.holes, n)
		}
	}
	told := a.told
	if a.strict {
		a.told = 0
	}
	if silent > told {
		return fmt.Errorf("%d missing before %d, %d of them told; the first is %d, skipped at %s", silent, a.last, told, first, at.Format("04:05.000"))
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
	w.lock <- struct{}{}
	w.readers = append(w.readers, r)
	<-w.lock
	acked := !w.noAck && w.options.Profile != bayeuxtest.Faye
	a := account{strict: acked, last: -1, holes: map[int]*hole{}}
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
	for _, r := range w.all() {
		mark := r.published.Load()
		for r.last.Load() < mark {
			if time.Since(start) > recovers {
				w.t.Errorf("%s: nothing since %d; %d were published; %v", r.channel, r.last.Load(), r.published.Load(), w.c.Status())
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
	for _, p := range w.sent {
		times := w.arrived[p.data]
		select {
		case <-p.r.Done():
		default:
			if time.Since(p.at) > 30*time.Second {
				w.t.Errorf("publish %s is not settled", p.data)
			}
			continue
		}
		word, truth := verdict.Publish(p.r.Err(), times)
		if !truth {
			w.t.Errorf("publish %s: %v, and it arrived %d times", p.data, p.r.Err(), times)
		}
		w.tally.count("publish: "+word, 1)
	}
}
