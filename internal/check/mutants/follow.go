package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// follow looks for what moved to another file of its package, or whose function
// got another name there, and writes where it stands now. The text itself must
// be the same, and stand once in the package, or once in the function that has
// the name. The rest stays as it is, and all says what is wrong with it.
func follow(prefix string) error {
	ms, err := read(prefix)
	if err != nil {
		return err
	}
	for i := range ms {
		m := &ms[i]
		if source, err := os.ReadFile(m.file); err == nil {
			if _, err := change(source, m.edits); err == nil {
				continue
			}
		}
		moved, ok := m.moved()
		if !ok {
			continue
		}
		if err := os.WriteFile(filepath.Join(folder, m.name+suffix), []byte(moved.String()), 0o644); err != nil {
			return err
		}
		fmt.Printf("%s is in %s now\n", m.name, moved.file)
	}
	return nil
}

// moved is the mutant where its text stands now.
func (m *mutant) moved() (now mutant, ok bool) {
	files, err := filepath.Glob(filepath.Join(filepath.Dir(m.file), "*.go"))
	if err != nil {
		return now, false
	}
	for _, renamed := range []bool{false, true} { // a function of the name is what is meant, if there is one
		var found []mutant
		for _, file := range files {
			if strings.HasSuffix(file, "_test.go") {
				continue
			}
			if there, ok := m.in(filepath.ToSlash(file), renamed); ok {
				found = append(found, there)
			}
		}
		if len(found) > 0 {
			return found[0], len(found) == 1
		}
	}
	return now, false
}

// in is the mutant in a file in which each of its texts stands once.
func (m *mutant) in(file string, renamed bool) (there mutant, ok bool) {
	source, err := os.ReadFile(file)
	if err != nil {
		return there, false
	}
	spans, err := functions(source)
	if err != nil {
		return there, false
	}
	there = *m
	there.file, there.edits = file, nil
	for _, e := range m.edits {
		if at, _ := e.places(source, spans); len(at) == 1 {
			there.edits = append(there.edits, e)
			continue
		}
		if !renamed || e.function == "" {
			return there, false
		}
		var found []edit
		for _, s := range spans {
			e.function = s.name
			if at, _ := e.places(source, spans); len(at) > 0 {
				found = append(found, e)
			}
		}
		if len(found) != 1 {
			return there, false
		}
		there.edits = append(there.edits, found[0])
	}
	_, err = change(source, there.edits)
	return there, err == nil
}
