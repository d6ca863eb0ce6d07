package main

import (
	"os"
	"path/filepath"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
)

// A chart has a bar for each subject of a comparison.
type chart struct{ of, figure, title string }

var plots = []chart{
	{"idle", "kB", "Live heap and stack of an idle session, KB"},
	{"latency", "p50", "From the server's event to the application, half of them within, µs"},
}

func (c chart) draw(r *result, file string) error {
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return err
	}
	p := plot.New()
	p.Title.Text = c.title
	var values plotter.Values
	var names []string
	for i := len(r.subjects) - 1; i >= 0; i-- { // the first on top
		s := r.subjects[i]
		if len(r.taken[s.name]) == 0 {
			continue
		}
		names = append(names, s.name)
		values = append(values, r.figure(s.name, c.figure).median())
	}
	bars, err := plotter.NewBarChart(values, vg.Points(10))
	if err != nil {
		return err
	}
	bars.Horizontal = true
	p.Add(bars)
	p.NominalY(names...)
	p.X.Min = 0
	return p.Save(20*vg.Centimeter, vg.Length(2+float64(len(names))*0.6)*vg.Centimeter, file)
}
