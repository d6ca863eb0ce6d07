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
	last      atomic.Int64 // the last number that came
	sub       *client.Subscription
}

// publish publishes the next number. The server may be gone: it is lost then.
func (r *reader) publish(w *world) {
	_ = w.server.Publish(r.channel, r.published)
	r.published++
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
	// Listening comes before the server's acceptance, which trouble may keep
	// away for a while; what is published until then is not owed.
	sub, err := w.subscribe(ch, o)
	if err != nil {
		w.tally.count("subscribe: "+fmt.Sprintf("%T", err), 1)
		return
	}
	r.sub = sub
	w.readers = append(w.readers, r)
	w.wg.Go(func() {
		first, told, unknown := true, 0, false
		for {
			m, err := sub.Next(w.ctx)
			var gap *client.GapError
			switch {
			case errors.As(err, &gap):
				if gap.Missed < 0 {
					unknown = true
				} else {
					told += gap.Missed
				}
				if !w.noAck && w.options.Profile != bayeuxtest.Faye && gap.Reason == client.ConnectionLost {
					w.t.Error("a lost connection lost events, with ack")
				}
				continue
			case err != nil:
				if w.ctx.Err() == nil && !errors.Is(err, client.ErrClosed) {
					w.t.Errorf("%s ended: %v", ch, err)
				}
				return
			}
			n, last := 0, int(r.last.Load())
			n, err = strconv.Atoi(string(m.Data))
			lost := n - last - 1
			switch {
			case err != nil:
				w.t.Errorf("%s: %s", ch, m.Data)
			case first: // it was published before
			case lost < 0:
				w.t.Errorf("%s: %d after %d", ch, n, last)
			case lost > told && !unknown, lost < told:
				w.t.Errorf("%s: %d after %d, and %d were said to be missing", ch, n, last, told)
			}
			first, told, unknown = false, 0, false
			r.last.Store(int64(n))
			w.tally.count("events", 1)
			if slow {
				w.sleep(100 * time.Millisecond)
			}
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
