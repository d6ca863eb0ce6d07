package fidelity

import (
	"fmt"
	"strings"
)

// Diff is empty if two traces are equal. Otherwise it shows where they part,
// scene by scene.
func Diff(want, got string) string {
	var out strings.Builder
	wanted, had := scenes(want), scenes(got)
	for i := range max(len(wanted), len(had)) {
		w, g := at(wanted, i), at(had, i)
		lines, others := strings.Split(w, "\n"), strings.Split(g, "\n")
		for j := range max(len(lines), len(others)) {
			if l, o := at(lines, j), at(others, j); l != o {
				fmt.Fprintf(&out, "%s, line %d\n  kept: %s\n  now:  %s\n", lines[0], j, l, o)
				break
			}
		}
	}
	return out.String()
}

func scenes(trace string) []string { return strings.Split(trace, "\n\n") }

func at(list []string, i int) string {
	if i < len(list) {
		return list[i]
	}
	return ""
}
