package engine

import (
	"bytes"
	"context"
	"errors"
	"math/rand/v2"
	"time"

	"github.com/turold/turold/bayeux"
	"github.com/turold/turold/client"
)

// A worker is a goroutine that does one operation after the other.
type worker struct {
	r   *round
	c   *client.Client
	p   *publisher
	rng *rand.Rand
}

func (w *worker) work(ctx context.Context) {
	for sleep(ctx, between(w.rng, 0, 2*w.r.cfg.Pause)) {
		w.operate()
	}
}

// operate does one operation. It may last longer than the trouble.
func (w *worker) operate() {
	ctx, cancel := context.WithTimeout(context.Background(), w.patience())
	defer cancel()
	switch n := w.rng.IntN(100); {
	case n < 30:
		w.publish(ctx, w.channel())
	case n < 35:
		w.publish(ctx, Denied+"a")
	case n < 70:
		w.send(ctx, w.channel(), w.rng.IntN(4) == 0)
	case n < 85:
		w.batch(ctx, 1+w.rng.IntN(30))
	case n < 90:
		w.batch(ctx, 1+w.rng.IntN(300))
	case n < 97:
		w.call(ctx)
	default:
		w.flush(ctx)
	}
}

// patience is how long an operation may take. Some are given up before their
// answer can come.
func (w *worker) patience() time.Duration {
	return []time.Duration{30 * time.Millisecond, 300 * time.Millisecond, 3 * time.Second, 10 * time.Second}[w.rng.IntN(4)]
}

func (w *worker) channel() bayeux.Channel {
	if w.rng.IntN(8) == 0 {
		return eventChannels[w.rng.IntN(len(eventChannels))]
	}
	return darkChannels[w.rng.IntN(len(darkChannels))]
}

// data is mostly small.
func (w *worker) data(id ID) any {
	if w.rng.IntN(50) == 0 {
		return payload(id, w.rng.IntN(6000))
	}
	return payload(id, w.rng.IntN(50))
}

func (w *worker) publish(ctx context.Context, ch bayeux.Channel) {
	id, x := w.p.next(ch, false)
	w.p.settle(x, w.c.Publish(ctx, ch, w.data(id)))
}

func (w *worker) send(ctx context.Context, ch bayeux.Channel, again bool) {
	id, x := w.p.next(ch, again)
	receipt, err := w.c.Send(ctx, client.Draft{Channel: ch, Data: w.data(id), AtLeastOnce: again})
	w.handed(x, receipt, err)
}

func (w *worker) handed(x *publish, receipt *client.Receipt, err error) {
	if err != nil {
		w.p.settle(x, err)
		return
	}
	w.p.handed(x, receipt)
}

func (w *worker) batch(ctx context.Context, n int) {
	var drafts []client.Draft
	var sent []*publish
	again := w.rng.IntN(8) == 0
	ch := w.channel()
	for range n {
		id, x := w.p.next(ch, again)
		drafts, sent = append(drafts, client.Draft{Channel: ch, Data: w.data(id), AtLeastOnce: again}), append(sent, x)
	}
	receipts, err := w.c.Batch(ctx, drafts...)
	for i, x := range sent {
		var receipt *client.Receipt
		if err == nil {
			receipt = receipts[i]
		}
		w.handed(x, receipt, err)
	}
}

// call compares the answer with what was asked.
func (w *worker) call(ctx context.Context) {
	asked := payload(ID{w.p.id, w.rng.IntN(1 << 30)}, w.rng.IntN(50))
	m, err := w.c.Call(ctx, Echo, asked)
	w.r.count("call: "+wordOf(err), 1)
	if id, _ := ParseID(m.Data); err == nil && !bytes.Equal(asked, payload(id, len(asked)-len(payload(id, 0)))) {
		w.r.violated("the answer to a call is another's: %.80s to %.80s", m.Data, asked)
	}
}

// flush checks that what it waited for is settled.
func (w *worker) flush(ctx context.Context) {
	w.p.mu.Lock()
	sent := w.p.sent[max(0, len(w.p.sent)-1000):]
	w.p.mu.Unlock()
	err := w.c.Flush(ctx)
	if err != nil && ctx.Err() != nil {
		return
	}
	for _, x := range sent {
		if _, ok := x.outcome(); !ok {
			w.r.violated("Flush returned %v, and a publish that was sent before has no outcome", err)
			return
		}
	}
}

// quitters has one session after the other be dialled and closed in the midst
// of what it does.
func (r *round) quitters(ctx context.Context, rng *rand.Rand) {
	s := r.sessions[0]
	for ctx.Err() == nil {
		dialing, cancel := context.WithTimeout(ctx, 3*time.Second)
		c, err := r.dialer.Dial(dialing, "http://"+s.relay.addr()+r.server.Path(), &client.Options{NoAck: r.cfg.NoAck, NetworkDelay: networkDelay, KeepDialing: true})
		cancel()
		if err != nil {
			r.count("dial: gave up", 1)
			continue
		}
		w := &worker{r: r, c: c, p: r.publisher(), rng: rng}
		for end := time.Now().Add(between(rng, 0, 4*networkDelay)); time.Now().Before(end); {
			w.send(ctx, w.channel(), rng.IntN(2) == 0)
			sleep(ctx, between(rng, 0, 100*time.Millisecond))
		}
		if rng.IntN(3) == 0 {
			leaving, cancel := context.WithTimeout(context.Background(), between(rng, time.Millisecond, time.Second))
			_ = c.Disconnect(leaving)
			cancel()
		}
		_ = c.Close()
		r.count("closed in the midst of it", 1)
		if !w.p.settled() {
			r.violated("Close returned, and a publish has no outcome")
		}
	}
}

// wordOf says in a word what an error is.
func wordOf(err error) string {
	var out *client.OutcomeError
	var refusal *bayeux.Error
	switch {
	case err == nil:
		return arrived
	case errors.As(err, &out) && out.Sent:
		return unknown
	case errors.As(err, &out):
		return notTaken
	case errors.As(err, &refusal):
		return refused
	}
	return "something else"
}
