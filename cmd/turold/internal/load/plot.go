package load

import (
	"errors"
	"fmt"
	"io"
	"math"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
	"github.com/go-analyze/charts/chartdraw"
	"github.com/go-analyze/charts/chartdraw/drawing"
)

// Plot writes an SVG of the distributions: latency by percentile, both axes
// logarithmic, so that the tail has as much room as the rest.
func (r *Report) Plot(out io.Writer) error {
	bound := extent{low: math.Inf(1), high: math.Inf(-1)}
	c := chartdraw.Chart{
		Title: fmt.Sprintf("%d sessions, %.0f messages/s in, %.0f/s out", r.Sessions.Up, r.Published.PerSecond, r.Delivered.PerSecond),
		Width: 900, Height: 520,
		Background:     chartdraw.Style{Padding: chartdraw.Box{Top: 60, Left: 24, Right: 24, Bottom: 24, IsSet: true}},
		YAxisSecondary: chartdraw.YAxis{Style: chartdraw.Hidden()},
	}
	for _, l := range []struct {
		name  string
		d     Distribution
		color drawing.Color
	}{{"delivered", r.Latency, drawing.ColorBlue}, {"answered", r.Answers, drawing.ColorGreen}} {
		if l.d.Count > 0 {
			c.Series = append(c.Series, bound.line(l.name, l.d.h, l.color))
		}
	}
	if len(c.Series) == 0 {
		return errors.New("nothing was measured that could be drawn")
	}
	c.XAxis, c.YAxis = bound.axes()
	c.Elements = []chartdraw.Renderable{chartdraw.LegendLeft(&c)}
	return c.Render(chartdraw.SVG, out)
}

// An extent is what the axes must cover, in decades.
type extent struct{ nines, low, high float64 }

// line is a histogram as a line: x is how many nines the percentile has, y the
// logarithm of the milliseconds.
func (e *extent) line(name string, h *hdrhistogram.Histogram, color drawing.Color) chartdraw.Series {
	s := chartdraw.ContinuousSeries{Name: name, Style: chartdraw.Style{StrokeColor: color, StrokeWidth: 2}}
	for _, b := range h.CumulativeDistributionWithTicks(10) {
		x := -math.Log10(1 - b.Quantile/100)
		if b.Quantile >= 100 {
			x = math.Log10(float64(b.Count + 1)) // the last of so many
		}
		y := math.Log10(math.Max(float64(b.ValueAt), float64(shortest)) / float64(time.Millisecond))
		s.XValues, s.YValues = append(s.XValues, x), append(s.YValues, y)
		e.nines = math.Max(e.nines, math.Ceil(x))
		e.low, e.high = math.Min(e.low, math.Floor(y)), math.Max(e.high, math.Ceil(y))
	}
	return s
}

// axes cover a decade at least.
func (e *extent) axes() (x chartdraw.XAxis, y chartdraw.YAxis) {
	e.nines, e.high = math.Max(e.nines, 1), math.Max(e.high, e.low+1)
	grid := chartdraw.Style{StrokeColor: drawing.ColorLightGray, StrokeWidth: 1}
	return chartdraw.XAxis{
			Name: "percentile", Ticks: e.percentiles(), GridMajorStyle: grid, GridMinorStyle: grid,
			Range: &chartdraw.ContinuousRange{Max: e.nines},
		}, chartdraw.YAxis{
			Name: "milliseconds", Ticks: e.durations(), GridMajorStyle: grid, GridMinorStyle: grid,
			Range: &chartdraw.ContinuousRange{Min: e.low, Max: e.high}, AxisType: chartdraw.YAxisSecondary, // it stands on the left
		}
}

func (e *extent) percentiles() (ticks []chartdraw.Tick) {
	for n := 0.0; n <= e.nines; n++ {
		label := fmt.Sprintf("%.*f", int(math.Max(n-2, 0)), 100*(1-math.Pow(10, -n)))
		ticks = append(ticks, chartdraw.Tick{Value: n, Label: label})
	}
	return ticks
}

func (e *extent) durations() (ticks []chartdraw.Tick) {
	for n := e.low; n <= e.high; n++ {
		ticks = append(ticks, chartdraw.Tick{Value: n, Label: fmt.Sprint(math.Pow(10, n))})
	}
	return ticks
}
