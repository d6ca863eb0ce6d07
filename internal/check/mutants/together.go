package main

import (
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
)

// variable names the defect that a program with many of them plays.
const variable = "PLANTED_DEFECT"

// A branch is what a function does while its defect is played.
type branch struct {
	file   string
	at     int // behind the brace that opens the function
	defect string
	text   string
}

// branches returns what the functions of a planted defect do, each as a block at
// the beginning of the function that runs in place of the rest. It has none for a
// defect that changes more than what is in functions.
func (m *mutant) branches() ([]branch, error) {
	source, err := os.ReadFile(m.file)
	if err != nil {
		return nil, err
	}
	changed, err := change(source, m.edits)
	if err != nil {
		return nil, err
	}
	before, err := bodies(source)
	if err != nil {
		return nil, err
	}
	after, err := bodies(changed)
	if err != nil {
		return nil, err
	}
	var all []branch
	sameFunctions := slices.Equal(slices.Sorted(maps.Keys(before)), slices.Sorted(maps.Keys(after)))
	for _, e := range m.edits {
		was, is := before[e.function], after[e.function]
		if !sameFunctions || is.labels || was.head == "" || was.head != is.head {
			return nil, nil
		}
		text := fmt.Sprintf("\nif plantedDefect == %q {%s\n", m.name, is.text)
		if !is.results {
			text += "return\n"
		}
		if b := (branch{m.file, was.at, m.name, text + "}\n"}); !slices.Contains(all, b) {
			all = append(all, b)
		}
	}
	return all, nil
}

// A body is a function in parts.
type body struct {
	head, text      string // what stands before the opening brace, and between the braces
	at              int    // where the text begins
	results, labels bool
}

func bodies(source []byte) (map[string]body, error) {
	files := token.NewFileSet()
	f, err := parser.ParseFile(files, "", source, parser.SkipObjectResolution)
	if err != nil {
		return nil, err
	}
	offset := func(p token.Pos) int { return files.Position(p).Offset }
	all := map[string]body{}
	for _, d := range f.Decls {
		d, ok := d.(*ast.FuncDecl)
		if !ok || d.Body == nil {
			continue
		}
		b := body{at: offset(d.Body.Lbrace) + 1, results: d.Type.Results != nil}
		b.head, b.text = string(source[offset(d.Pos()):b.at]), string(source[b.at:offset(d.Body.Rbrace)])
		ast.Inspect(d.Body, func(n ast.Node) bool {
			_, label := n.(*ast.LabeledStmt)
			b.labels = b.labels || label
			return true
		})
		all[functionName(d)] = b
	}
	return all, nil
}

// plantAll writes, below dir, the files with all branches, and an overlay of them.
func plantAll(dir string, all []branch) (overlay string, err error) {
	byFile := map[string][]branch{}
	for _, b := range all {
		byFile[b.file] = append(byFile[b.file], b)
	}
	changed := map[string][]byte{}
	for file, of := range byFile {
		source, err := os.ReadFile(file)
		if err != nil {
			return "", err
		}
		slices.SortStableFunc(of, func(a, b branch) int { return b.at - a.at })
		text := string(source)
		for _, b := range of {
			text = text[:b.at] + b.text + text[b.at:]
		}
		changed[file] = []byte(text)
		f, err := parser.ParseFile(token.NewFileSet(), "", source, parser.PackageClauseOnly)
		if err != nil {
			return "", err
		}
		choice := fmt.Sprintf("package %s\n\nimport \"os\"\n\nvar plantedDefect = os.Getenv(%q)\n", f.Name.Name, variable)
		changed[filepath.Join(filepath.Dir(file), "planted_defect.go")] = []byte(choice)
	}
	return lay(dir, changed)
}

// together builds one program of tests for each package, with all defects that
// its tests are known to find, and plays one defect after the other. It returns
// what was found; the others are to be tried one by one. Without a defect the
// tests must pass, or what they find says nothing.
func together(dir string, ms []mutant, before map[string]finding) (map[string]finding, error) {
	var all []branch
	tests := map[string][]string{} // by package
	var joined []mutant
	for _, m := range ms {
		f := before[m.name]
		if f.test == "" || f.test == whole {
			continue
		}
		own, err := m.branches()
		if err != nil {
			return nil, err
		}
		if len(own) > 0 {
			all, joined = append(all, own...), append(joined, m)
			tests[f.pkg] = append(tests[f.pkg], f.test)
		}
	}
	dir = filepath.Join(dir, "together")
	overlay, err := plantAll(dir, all)
	if err != nil {
		return nil, err
	}
	programs := map[string]string{}
	for pkg, names := range tests {
		program, err := filepath.Abs(filepath.Join(dir, strings.ReplaceAll(pkg, "/", "_")+".test.exe"))
		if err != nil {
			return nil, err
		}
		if out, failed, err := run("go", "test", "-overlay", overlay, "-vet=off", "-c", "-o", program, pkg); err != nil || failed {
			return nil, errors.Join(err, fmt.Errorf("%s with all defects does not build:\n%s", pkg, out))
		}
		programs[pkg] = program
		slices.Sort(names)
		pattern := "^(" + strings.Join(slices.Compact(names), "|") + ")$"
		out, failed, err := play(program, pkg, "", pattern, "5m")
		if err != nil || failed {
			return nil, errors.Join(err, fmt.Errorf("the tests of %s fail without a defect:\n%s", pkg, out))
		}
	}
	found := make([]finding, len(joined))
	faults := make([]error, len(joined))
	var wg sync.WaitGroup
	turns := make(chan struct{}, runtime.NumCPU())
	for i, m := range joined {
		wg.Go(func() {
			turns <- struct{}{}
			defer func() { <-turns }()
			f := before[m.name]
			out, failed, err := play(programs[f.pkg], f.pkg, m.name, "^"+f.test+"$", patience(f.test))
			if err != nil || !failed {
				faults[i] = err
				return
			}
			found[i].pkg = f.pkg
			found[i].test, faults[i] = failure(out, f.pkg, f.test)
		})
	}
	wg.Wait()
	byName := map[string]finding{}
	for i, m := range joined {
		if found[i].test != "" {
			byName[m.name] = found[i]
		}
	}
	return byName, errors.Join(faults...)
}

// play runs tests of a program as go test does, with a defect or without.
func play(program, pkg, defect, pattern, patience string) (out []byte, failed bool, err error) {
	return runIn(func(cmd *exec.Cmd) {
		cmd.Dir, cmd.Env = pkg, append(os.Environ(), variable+"="+defect)
	}, program, "-test.failfast", "-test.timeout", patience, "-test.run", pattern)
}
