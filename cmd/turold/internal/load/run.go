package load

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/turold/turold/client"
)

// Goodbye is how long Test.Close takes at most: for the goodbyes of all sessions.
const Goodbye = 5 * time.Second

// hurry is how long what is under way is waited for: the last messages to leave, at
// the end of the schedule; sessions and deliveries, once the context ended.
const hurry = time.Second

// pollEvery is how often the drain looks whether all deliveries have arrived.
const pollEvery = 20 * time.Millisecond

// ErrNobody is why there was no test: no session came up. It is joined with
// the first failure.
var ErrNobody = errors.New("no session came up")

// A Test is one run of a Plan. Run is called once, and Close after it; Now at
// any time.
type Test struct {
	plan     *Plan
	run      string
	channels []*channel

	phase    atomic.Pointer[string]
	up       atomic.Int64
	sessions []*session // those that came up, once all have tried

	start     time.Time     // of the publishing
	took, cpu time.Duration // of the publishing

	sent, failed, unanswered      atomic.Int64
	sentInTime, receivedInTime    atomic.Int64 // in the time that is measured
	received, doubled, disordered atomic.Int64
	foreign                       atomic.Int64 // what is on our channels and not ours
	outages, moves, gaps          atomic.Int64

	faults                faults
	latency, acks, behind *recorder

	reading   sync.WaitGroup // the subscriptions' goroutines
	endReader context.CancelFunc
}

// New prepares a test; the plan is valid, and is not changed any more.
func New(p *Plan) *Test {
	t := &Test{plan: p, run: newRun(), latency: newRecorder(), acks: newRecorder(), behind: newRecorder()}
	for n := range p.Channels {
		t.channels = append(t.channels, &channel{name: p.channel(t.run, n)})
	}
	t.enter("ramp")
	t.watch(p.Dialer)
	return t
}

// Run does the test and returns what was measured. The context's end stops the
// publishing at once; the rest is measured within a second then. The error is
// why there is nothing to be measured: no session came up.
func (t *Test) Run(ctx context.Context) (*Report, error) {
	reading, end := context.WithCancel(context.WithoutCancel(ctx))
	t.endReader = end
	defer end()
	t.ramp(ctx, reading)
	if len(t.sessions) == 0 {
		if err := context.Cause(ctx); err != nil {
			return nil, err
		}
		return nil, fmt.Errorf("%w: %w", ErrNobody, t.faults.of("dial", "subscribe"))
	}
	t.publish(ctx, reading)
	r := t.report(ctx)
	t.enter("goodbye")
	end()
	t.reading.Wait()
	return r, nil
}

// Close says goodbye for all sessions, within Goodbye, and closes the Dialer.
func (t *Test) Close() {
	bye, cancel := context.WithTimeout(context.Background(), Goodbye)
	defer cancel()
	var all sync.WaitGroup
	for _, s := range t.sessions {
		all.Go(func() { _ = s.c.Disconnect(bye) }) // the server may be gone
	}
	all.Wait()
	t.plan.Dialer.Close()
}

// watch counts what happens to sessions beside their messages.
func (t *Test) watch(d *client.Dialer) {
	trace := client.Trace{}
	if d.Trace != nil {
		trace = *d.Trace
	}
	trace.State = func(_ *client.Client, _, to client.State, cause error) {
		if to == client.StateWaiting && cause != nil && t.measuring() {
			t.outages.Add(1)
			t.faults.add("connection", cause)
		}
	}
	trace.Transport = func(_ *client.Client, d decision) {
		if d.From != "" && d.From != d.To {
			t.moves.Add(1)
		}
	}
	d.Trace = &trace
}

// measuring: it is not yet, or no longer, about the goodbyes.
func (t *Test) measuring() bool { return *t.phase.Load() != "goodbye" }

func (t *Test) enter(phase string) { t.phase.Store(&phase) }

// now is the time since the publishing began.
func (t *Test) now() time.Duration { return time.Since(t.start) }

// measured reports whether a moment is in the time that is measured.
func (t *Test) measured(at time.Duration) bool {
	return at >= t.plan.Warmup && at < t.plan.length()
}
