package load

import (
	"encoding/xml"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
	"github.com/stretchr/testify/require"
)

func measured(ms ...int) Distribution {
	r := newRecorder()
	for i, n := range ms {
		r.record(i, time.Duration(n)*time.Millisecond)
	}
	return distribution(r)
}

func TestTable(t *testing.T) {
	r := &Report{
		Run: "RUN", Interrupted: true, Seconds: 5, Cores: 0.5,
		Sessions:  Sessions{Asked: 6, Up: 5, Transports: map[string]int{"websocket": 4, "long-polling": 1}, Outages: 1, Renewed: 2, Moves: 3},
		Published: Outgoing{Sent: 10, Taken: 8, Failed: 1, Unanswered: 1, Asked: 2, PerSecond: 1.5},
		Delivered: Incoming{Expected: 16, Received: 14, Lost: 2, Untold: 1, Late: 7, Doubled: 3, OutOfOrder: 4, Gaps: 5, Foreign: 6, PerSecond: 2.8},
		Latency:   measured(1, 2, 3, 1000), Answers: measured(1), Errors: []Fault{{"dial", "transport dial", 1}},
	}
	var b strings.Builder
	require.NoError(t, r.Table(&b))
	require.Equal(t, `run         RUN, 5.0 s measured, interrupted
sessions    5 of 6, long-polling 1, websocket 4; outages 1, forgotten 2, moves 3
published   1.5/s of 2.0/s; sent 10, taken 8, failed 1, unanswered 1
delivered   2.8/s; 14 of 16, lost 2 (1 untold), late 7, doubled 3, out of order 4, gaps 5, not ours 6
processor   0.50 cores busy in this process

     latency, ms     mean   50 %      90 %      99 %    99.9 %       max  count
       delivered  251.520  2.001  1000.342  1000.342  1000.342  1000.342      4
        answered    1.000  1.000     1.000     1.000     1.000     1.000      1
  published late    0.000  0.000     0.000     0.000     0.000     0.000      0

errors
  dial: transport dial: 1
`, b.String())
}

func TestHistogramIsTold(t *testing.T) {
	d := measured(1, 2, 3, 700_000)
	h, err := hdrhistogram.Decode([]byte(d.HDR))
	require.NoError(t, err)
	require.EqualValues(t, 4, h.TotalCount())
	require.InDelta(t, 3e6, h.ValueAtPercentile(75), 3e3)
	require.InDelta(t, 600_000, d.Max, 600, "the end of the range")
}

func TestPlotIsAnSVG(t *testing.T) {
	r := &Report{Latency: measured(1, 2, 3, 1000), Answers: measured(2)}
	var b strings.Builder
	require.NoError(t, r.Plot(&b))
	texts := map[string]bool{}
	for in := xml.NewDecoder(strings.NewReader(b.String())); ; {
		token, err := in.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		require.NoError(t, err)
		if text, ok := token.(xml.CharData); ok {
			texts[string(text)] = true
		}
	}
	for _, want := range []string{"percentile", "milliseconds", "90", "1000", "delivered", "answered"} {
		require.True(t, texts[want], "%s in %v", want, texts)
	}
	require.NotContains(t, b.String(), "NaN")
	require.Error(t, (&Report{}).Plot(io.Discard))
	require.NoError(t, (&Report{Latency: measured(1)}).Plot(io.Discard), "one alone")
}
