package load

import (
	"context"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"

	"github.com/turold/turold/fallback"
)

type decision = fallback.Decision

// A Report is what a test measured. Durations are milliseconds unless they are
// named otherwise; latencies count from when the schedule wanted a message to leave.
type Report struct {
	Run         string   `json:"run"`
	Interrupted bool     `json:"interrupted"` // what was still on its way a second later counts as late
	Seconds     float64  `json:"seconds"`     // that were measured
	Sessions    Sessions `json:"sessions"`
	Published   Outgoing `json:"published"`
	Delivered   Incoming `json:"delivered"`

	Latency Distribution `json:"latency"` // from publisher to each subscriber
	Answers Distribution `json:"answers"` // from publisher to the server's answer
	Behind  Distribution `json:"behind"`  // how late this program itself published

	Errors []Fault `json:"errors"`
	Cores  float64 `json:"cores"` // that this process kept busy while it published; 0: not known

	first error
}

// First is the first failure of those that Errors counts; outages that were
// survived are none. Nil: there was none.
func (r *Report) First() error { return r.first }

// Sessions are those of a test.
type Sessions struct {
	Asked      int            `json:"asked"`
	Up         int            `json:"up"`
	Transports map[string]int `json:"transports"` // at the end, by connectionType; "none": without a connection
	Outages    int64          `json:"outages"`    // times that one had to connect again
	Renewed    int            `json:"renewed"`    // times that the server forgot one
	Moves      int64          `json:"moves"`      // from one transport to the other
}

// Outgoing is what was published, warm-up included; PerSecond is without it.
type Outgoing struct {
	Sent       int64   `json:"sent"`
	Taken      int     `json:"taken"`      // the server said successful
	Failed     int64   `json:"failed"`     // see Errors
	Unanswered int64   `json:"unanswered"` // until the end
	Asked      float64 `json:"asked"`      // a second
	PerSecond  float64 `json:"perSecond"`
}

// Incoming is what subscriptions got, warm-up included; PerSecond is without it.
type Incoming struct {
	Expected   int     `json:"expected"` // for what the server took
	Received   int64   `json:"received"` // the first time; also of what the server gave no answer to
	Lost       int     `json:"lost"`     // overtaken by a later one of the same publisher
	Untold     int     `json:"untold"`   // of those lost, where no gap tells of it
	Late       int     `json:"late"`     // not there when the waiting was over: lost, or still on its way
	Doubled    int64   `json:"doubled"`
	OutOfOrder int64   `json:"outOfOrder"`
	Gaps       int64   `json:"gaps"`
	Foreign    int64   `json:"foreign"` // on our channels, and not ours
	PerSecond  float64 `json:"perSecond"`
}

// A Distribution is a histogram in milliseconds.
type Distribution struct {
	Count int64   `json:"count"`
	Mean  float64 `json:"mean"`
	P50   float64 `json:"p50"`
	P90   float64 `json:"p90"`
	P99   float64 `json:"p99"`
	P999  float64 `json:"p999"`
	Max   float64 `json:"max"`
	// HDR is the whole of it in nanoseconds: HdrHistogram's V2 format,
	// compressed, base64.
	HDR string `json:"hdr"`

	h *hdrhistogram.Histogram
}

func (t *Test) report(ctx context.Context) *Report {
	seconds := max(min(t.took, t.plan.length())-t.plan.Warmup, 0).Seconds()
	rate := func(n int64) float64 {
		if seconds == 0 {
			return 0
		}
		return float64(n) / seconds
	}
	r := &Report{
		Run: t.run, Interrupted: ctx.Err() != nil, Seconds: seconds,
		Sessions: t.fleet(),
		Published: Outgoing{
			Sent: t.sent.Load(), Failed: t.failed.Load(), Unanswered: t.unanswered.Load(),
			Asked: t.plan.Rate, PerSecond: rate(t.sentInTime.Load()),
		},
		Delivered: Incoming{
			Expected: t.expected(), Received: t.received.Load(), Doubled: t.doubled.Load(), OutOfOrder: t.disordered.Load(),
			Gaps: t.gaps.Load(), Foreign: t.foreign.Load(), PerSecond: rate(t.receivedInTime.Load()),
		},
		Latency: distribution(t.latency), Answers: distribution(t.acks), Behind: distribution(t.behind),
		Errors: t.faults.list(), first: t.faults.of("dial", "subscribe", "publish", "subscription"),
		Cores: t.cpu.Seconds() / t.took.Seconds(),
	}
	for _, c := range t.channels {
		r.Published.Taken += c.taken.count()
	}
	m := t.missing()
	r.Delivered.Lost, r.Delivered.Untold, r.Delivered.Late = m.lost, m.untold, m.late
	return r
}

// fleet is where the sessions stand now.
func (t *Test) fleet() Sessions {
	f := Sessions{Asked: t.plan.Sessions, Up: len(t.sessions), Transports: map[string]int{}, Outages: t.outages.Load(), Moves: t.moves.Load()}
	for _, s := range t.sessions {
		status := s.c.Status()
		f.Renewed += max(status.Session-1, 0)
		name := status.Transport
		if name == "" {
			name = "none"
		}
		f.Transports[name]++
	}
	return f
}

func distribution(r *recorder) Distribution {
	h := r.sum()
	d := Distribution{Count: h.TotalCount(), h: h}
	if d.Count == 0 {
		return d
	}
	d.Mean = milliseconds(int64(h.Mean()))
	d.P50, d.P90, d.P99, d.P999 = at(h, 50), at(h, 90), at(h, 99), at(h, 99.9)
	d.Max = milliseconds(h.Max())
	if encoded, err := h.Encode(hdrhistogram.V2CompressedEncodingCookieBase); err == nil {
		d.HDR = string(encoded)
	}
	return d
}

func at(h *hdrhistogram.Histogram, percentile float64) float64 {
	return milliseconds(h.ValueAtPercentile(percentile))
}

// milliseconds rounds to the microseconds that are measured.
func milliseconds(ns int64) float64 {
	return float64(time.Duration(ns).Round(shortest)) / float64(time.Millisecond)
}
