package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"time"
)

// print writes the tables of one comparison, as Markdown.
func (r *result) print(w io.Writer) {
	fmt.Fprintf(w, "\n## %s\n\n", r.title)
	if r.note != "" {
		fmt.Fprintf(w, "%s\n\n", r.note)
	}
	head, rule := "| |", "|---|"
	for _, c := range r.columns {
		head, rule = head+" "+c.title+" |", rule+"---|"
	}
	fmt.Fprintf(w, "%s\n%s\n", head, rule)
	for _, s := range r.subjects {
		fmt.Fprintf(w, "| %s |", s.name)
		for _, c := range r.columns {
			fmt.Fprintf(w, " %s |", r.figure(s.name, c.figure).text(c.format))
		}
		fmt.Fprintln(w)
	}
	if lines := r.remarks(); len(lines) > 0 {
		fmt.Fprintf(w, "\n%s\n", strings.Join(lines, " "))
	}
	if len(r.goals) == 0 {
		return
	}
	fmt.Fprint(w, "\n| goal | reached | |\n|---|---|---|\n")
	for _, g := range r.goals {
		s := r.reached(g)
		verdict := "**missed**"
		switch {
		case len(s) == 0:
			verdict = "not measured"
		case g.met(s):
			verdict = "met"
		}
		fmt.Fprintf(w, "| %s | %s | %s |\n", g.text(), s.text("%.3g"), verdict)
	}
}

func (g goal) text() string {
	b := g.figure + " of " + g.of
	if g.to != "" {
		b += " ÷ " + g.to
	}
	if g.least > 0 {
		b += fmt.Sprintf(" ≥ %.3g", g.least)
	}
	if g.most > 0 {
		b += fmt.Sprintf(" ≤ %.3g", g.most)
	}
	return b
}

// report writes the file.
func report(file, note string, all []*result) (err error) {
	f, err := os.Create(file)
	if err != nil {
		return err
	}
	defer func() {
		if e := f.Close(); err == nil {
			err = e
		}
	}()
	fmt.Fprintf(f, `# Benchmarks

Written by `+"`go -C bench run . -o ../BENCHMARKS.md`"+` on %s: %s, %d cores, %s, %s.

Each figure is the median of the turns with the least and the most; each goal is about the median of the ratios, turn by turn. Client and server are
processes of their own; the server answers from canned bytes, except where CometD's clients are compared. The machine was shared: trust ratios, not seconds. `+"`go doc ./bench`"+` says how.
`, time.Now().Format("2 January 2006"), processor(), runtime.NumCPU(), runtime.Version(), runtime.GOOS+"/"+runtime.GOARCH)
	for _, r := range all {
		r.print(f)
		for _, p := range plots {
			if p.of != r.name {
				continue
			}
			name := filepath.Join("bench", "plots", r.name+"-"+p.figure+".svg")
			if err := p.draw(r, filepath.Join(filepath.Dir(file), name)); err != nil {
				return err
			}
			fmt.Fprintf(f, "\n![%s](%s)\n", p.title, name)
		}
	}
	if note == "" {
		return nil
	}
	b, err := os.ReadFile(note)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(f, "\n%s", b)
	return err
}

var modelName = regexp.MustCompile(`(?m)^model name\s*: (.*)$`)

// processor is what the system calls it, where it does.
func processor() string {
	b, err := os.ReadFile("/proc/cpuinfo")
	if m := modelName.FindSubmatch(b); err == nil && m != nil {
		return strings.TrimSpace(string(m[1]))
	}
	return "an unnamed processor"
}
