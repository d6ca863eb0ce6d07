package load

import "time"

// Progress is where a test stands.
type Progress struct {
	Phase    string // ramp, warm-up, measuring, drain, goodbye
	Up       int    // sessions that are subscribed
	Sent     int64  // messages
	Received int64  // deliveries
	Errors   int
	P50, P99 time.Duration // so far, without the warm-up
}

// Now says where the test stands. Safe for concurrent use.
func (t *Test) Now() Progress {
	p := Progress{
		Phase: *t.phase.Load(), Up: int(t.up.Load()), Sent: t.sent.Load(), Received: t.received.Load(), Errors: t.faults.total(),
	}
	if p.Phase == "measuring" || p.Phase == "drain" {
		h := t.latency.sum()
		p.P50, p.P99 = time.Duration(h.ValueAtPercentile(50)), time.Duration(h.ValueAtPercentile(99))
	}
	return p
}
