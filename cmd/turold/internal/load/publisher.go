package load

import (
	"context"
	"sync"
	"time"

	"github.com/turold/turold/client"
)

// A publisher publishes on one channel, which it may share with others.
type publisher struct {
	number  int // among all
	c       *client.Client
	channel *channel
	place   int // among those of the channel
}

// A sent message waits for the server's answer.
type sent struct {
	stamp
	receipt *client.Receipt
}

// publishers is how many there are.
func (t *Test) publishers() int { return min(t.plan.Publishers, len(t.sessions)) }

// messages is more than the place of any message in its channel.
func (t *Test) messages() int {
	n := t.publishers()
	return t.plan.turns(n) * t.plan.Batch * (n/len(t.channels) + 1)
}

// publish publishes for all of the plan's time, or until the context ends; and
// returns when what was published is accounted for, as far as there is time.
func (t *Test) publish(ctx, reading context.Context) {
	before := cpu()
	t.enter("warm-up")
	measure := time.AfterFunc(t.plan.Warmup, func() { t.enter("measuring") })
	due, over := context.WithTimeout(ctx, t.plan.length()-t.now()+hurry) // one that waits for room waits no longer
	defer over()
	waiting, giveUp := context.WithCancel(reading)
	defer giveUp()
	var publishing, settling sync.WaitGroup
	for k := range t.publishers() {
		p := t.publisher(k)
		publishing.Go(func() {
			t.pour(due, p, func(batch []sent) { settling.Go(func() { t.settle(waiting, p, batch) }) })
		})
	}
	publishing.Wait()
	sleep(ctx, t.plan.length()-t.now()) // the last turn is before the end
	measure.Stop()
	t.took, t.cpu = t.now(), cpu()-before
	t.enter("drain")
	t.drain(ctx, &settling)
	giveUp()
	settling.Wait()
}

// publisher makes publisher k: they take the channels in turn.
func (t *Test) publisher(k int) *publisher {
	return &publisher{number: k, c: t.sessions[k].c, channel: t.channels[k%len(t.channels)], place: k / len(t.channels)}
}

// seq is the place in its channel of a publisher's n-th message.
func (p *publisher) seq(n int) int { return n*p.channel.publishers + p.place }

// pour publishes by the schedule. A turn that is late does not move the next.
func (t *Test) pour(ctx context.Context, p *publisher, settle func([]sent)) {
	n := t.publishers()
	for turn := range t.plan.turns(n) {
		at := t.plan.at(turn, p.number, n)
		if at >= t.plan.length() || !sleep(ctx, at-t.now()) {
			return
		}
		if t.measured(at) {
			t.behind.record(p.number, t.now()-at)
		}
		if !t.send(ctx, p, turn, at, settle) {
			return
		}
	}
}

// send hands a batch over, and reports whether the session is still of use.
func (t *Test) send(ctx context.Context, p *publisher, turn int, at time.Duration, settle func([]sent)) bool {
	drafts := make([]client.Draft, t.plan.Batch)
	batch := make([]sent, t.plan.Batch)
	for i := range drafts {
		batch[i].stamp = stamp{p.seq(turn*t.plan.Batch + i), at}
		drafts[i] = client.Draft{Channel: p.channel.name, Data: batch[i].data(t.run, t.plan.Size)}
	}
	receipts, err := p.c.Batch(ctx, drafts...)
	if err != nil {
		t.fault(ctx, "publish", err)
		return p.c.Err() == nil
	}
	t.sent.Add(int64(len(receipts)))
	if t.measured(at) && t.measured(t.now()) {
		t.sentInTime.Add(int64(len(receipts)))
	}
	for i, r := range receipts {
		batch[i].receipt = r
	}
	settle(batch)
	return true
}

// settle notes what becomes of each message.
func (t *Test) settle(ctx context.Context, p *publisher, batch []sent) {
	for _, m := range batch {
		err := m.receipt.Wait(ctx)
		switch {
		case err == nil:
			p.channel.take(m.seq)
			if t.measured(m.at) {
				t.acks.record(p.number, t.now()-m.at)
			}
		case ctx.Err() != nil:
			t.unanswered.Add(1)
		default:
			t.failed.Add(1)
			t.faults.add("publish", err)
		}
	}
}

// drain waits until every message is answered and delivered, or the time for
// it is over.
func (t *Test) drain(ctx context.Context, settling *sync.WaitGroup) {
	answered := make(chan struct{})
	go func() {
		defer close(answered)
		settling.Wait()
	}()
	longer, end := linger(ctx)
	defer end()
	wait, cancel := context.WithTimeout(longer, t.plan.Drain)
	defer cancel()
	select {
	case <-answered:
	case <-wait.Done():
	}
	for t.missing() != (missing{}) && sleep(wait, pollEvery) {
		continue
	}
}
