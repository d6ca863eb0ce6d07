package load

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"
)

// Table writes the report for people.
func (r *Report) Table(out io.Writer) error {
	var b strings.Builder
	r.counts(&b)
	b.WriteByte('\n')
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprint(w, "latency, ms\tmean\t50 %\t90 %\t99 %\t99.9 %\tmax\tcount\t\n")
	for _, row := range []struct {
		name string
		Distribution
	}{{"delivered", r.Latency}, {"answered", r.Answers}, {"published late", r.Behind}} {
		fmt.Fprintf(w, "%s\t%.3f\t%.3f\t%.3f\t%.3f\t%.3f\t%.3f\t%d\t\n", row.name, row.Mean, row.P50, row.P90, row.P99, row.P999, row.Max, row.Count)
	}
	_ = w.Flush()
	if len(r.Errors) > 0 {
		b.WriteString("\nerrors\n")
	}
	for _, f := range r.Errors {
		fmt.Fprintf(&b, "  %s: %s: %d\n", f.Stage, f.Class, f.Count)
	}
	_, err := io.WriteString(out, b.String())
	return err
}

func (r *Report) counts(b *strings.Builder) {
	s, p, d := r.Sessions, r.Published, r.Delivered
	fmt.Fprintf(b, "run         %s, %.1f s measured", r.Run, r.Seconds)
	if r.Interrupted {
		b.WriteString(", interrupted")
	}
	fmt.Fprintf(b, "\nsessions    %d of %d", s.Up, s.Asked)
	for _, name := range slices.Sorted(maps.Keys(s.Transports)) {
		fmt.Fprintf(b, ", %s %d", name, s.Transports[name])
	}
	fmt.Fprintf(b, "; outages %d, forgotten %d, moves %d\n", s.Outages, s.Renewed, s.Moves)
	fmt.Fprintf(b, "published   %.1f/s of %.1f/s; sent %d, taken %d, failed %d, unanswered %d\n", p.PerSecond, p.Asked, p.Sent, p.Taken, p.Failed, p.Unanswered)
	fmt.Fprintf(b, "delivered   %.1f/s; %d of %d", d.PerSecond, d.Received, d.Expected)
	fmt.Fprintf(b, ", lost %d (%d untold), late %d, doubled %d, out of order %d, gaps %d", d.Lost, d.Untold, d.Late, d.Doubled, d.OutOfOrder, d.Gaps)
	if d.Foreign > 0 {
		fmt.Fprintf(b, ", not ours %d", d.Foreign)
	}
	b.WriteByte('\n')
	if r.Cores > 0 {
		fmt.Fprintf(b, "processor   %.2f cores busy in this process\n", r.Cores)
	}
}
