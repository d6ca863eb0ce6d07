package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// folder is where the defects are described, from the root of the module.
const folder = "internal/check/mutants/testdata"

// suffix ends the name of each description.
const suffix = ".defect"

// topLevel stands in a description for what is outside all functions.
const topLevel = "top level"

// A mutant is a planted defect: a file with other text in some places.
type mutant struct {
	name, what string
	file       string // that it changes, from the root
	edits      []edit
	overlay    string // for the go command
}

// read reads the descriptions of those whose name begins with a prefix.
func read(prefix string) ([]mutant, error) {
	paths, err := filepath.Glob(filepath.Join(folder, prefix+"*"+suffix))
	if err != nil {
		return nil, err
	}
	if len(paths) == 0 {
		return nil, fmt.Errorf("there is no %s/%s*%s", folder, prefix, suffix)
	}
	var ms []mutant
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			return nil, err
		}
		m, err := parse(string(text))
		if err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		m.name = strings.TrimSuffix(filepath.Base(path), suffix)
		ms = append(ms, m)
	}
	return ms, nil
}

// parse reads a description: a sentence, an empty line, "file PATH", and for
// each place "func NAME" or "top level" with its lines: one that goes begins with
// a minus, one that comes with a plus, and one that stays with a space.
func parse(text string) (m mutant, err error) {
	what, rest, _ := strings.Cut(text, "\n\n")
	m.what = what
	for line := range strings.Lines(rest) {
		line = strings.TrimSuffix(line, "\n")
		if file, ok := strings.CutPrefix(line, "file "); ok && m.file == "" {
			m.file = file
			continue
		}
		if line == topLevel {
			m.edits = append(m.edits, edit{})
			continue
		}
		if function, ok := strings.CutPrefix(line, "func "); ok {
			m.edits = append(m.edits, edit{function: function})
			continue
		}
		if len(m.edits) == 0 || line == "" {
			return m, fmt.Errorf("%q is not expected here", line)
		}
		e := &m.edits[len(m.edits)-1]
		sign, line := line[0], line[1:]+"\n"
		switch sign {
		case '-':
			e.old += line
		case '+':
			e.new += line
		case ' ':
			e.old += line
			e.new += line
		default:
			return m, fmt.Errorf("a line begins with %q", sign)
		}
		e.lines = append(e.lines, string(sign)+line)
	}
	if m.file == "" || len(m.edits) == 0 || slices.ContainsFunc(m.edits, func(e edit) bool { return e.old == "" || e.old == e.new }) {
		return m, fmt.Errorf("a description names a file, and one text at least that is replaced by another")
	}
	return m, nil
}

// String is what parse reads.
func (m *mutant) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n\nfile %s\n", m.what, m.file)
	for _, e := range m.edits {
		if e.function == "" {
			b.WriteString(topLevel + "\n")
		} else {
			fmt.Fprintf(&b, "func %s\n", e.function)
		}
		for _, line := range e.lines {
			b.WriteString(line)
		}
	}
	return b.String()
}

// all reads the descriptions whose name begins with a prefix, and applies each
// to a copy below dir. The error names each one that does not apply.
func all(dir, prefix string) ([]mutant, error) {
	ms, err := read(prefix)
	if err != nil {
		return nil, err
	}
	var faults []string
	for i := range ms {
		if err := ms[i].plant(dir); err != nil {
			faults = append(faults, fmt.Sprintf("%s: %v", ms[i].name, err))
		}
	}
	if len(faults) > 0 {
		return nil, fmt.Errorf("%d defects do not apply (-follow finds what was moved or got another name):\n%s", len(faults), strings.Join(faults, "\n"))
	}
	return ms, nil
}

// plant writes the changed file and the overlay below dir.
func (m *mutant) plant(dir string) error {
	source, err := os.ReadFile(m.file)
	if err != nil {
		return err
	}
	text, err := change(source, m.edits)
	if err != nil {
		return fmt.Errorf("%s: %w", m.file, err)
	}
	m.overlay, err = lay(filepath.Join(dir, m.name), map[string][]byte{m.file: text})
	return err
}

// lay writes changed files below dir, and beside them the overlay that has the go
// command read them in the place of their sources.
func lay(dir string, changed map[string][]byte) (overlay string, err error) {
	replace := map[string]string{}
	for file, text := range changed {
		source, err := filepath.Abs(file)
		if err != nil {
			return "", err
		}
		replace[source] = filepath.Join(dir, file)
		if err := os.MkdirAll(filepath.Dir(replace[source]), 0o755); err != nil {
			return "", err
		}
		if err := os.WriteFile(replace[source], text, 0o644); err != nil {
			return "", err
		}
	}
	text, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		return "", err
	}
	overlay = filepath.Join(dir, "overlay.json")
	return overlay, os.WriteFile(overlay, text, 0o644)
}

// packages are those whose tests should notice, the nearest first.
func (m *mutant) packages() []string {
	own := "./" + filepath.ToSlash(filepath.Dir(m.file))
	switch {
	case strings.HasPrefix(own, "./bayeux"), own == "./client":
		return []string{own}
	case own == "./fallback":
		return []string{own, "./client"}
	case own == "./transport":
		return []string{own, "./transport/websocket", "./transport/longpoll", "./fallback", "./client"}
	default:
		return []string{own, "./fallback", "./client"}
	}
}
