package turold_test

import (
	"flag"
	"fmt"
	"go/ast"
	"go/constant"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var update = flag.Bool("update", false, "write the table of docs/timers.md again; a new row's reason is to be filled in")

// product are the folders whose durations docs/timers.md explains, with what lies
// below them.
var product = []string{"bayeux", "transport", "fallback", "client", "cmd", "internal/legs", "internal/mono", "internal/wire"}

// testOnly are folders below them that no program links.
var testOnly = []string{"bayeux/bayeuxtest", "transport/transporttest"}

// A timer is a row of docs/timers.md.
type timer struct{ name, value, why, file string }

func (t timer) pkg() string { return t.name[:strings.LastIndex(t.name, ".")] }

// TestTimers holds docs/timers.md to the durations of the product's packages, and
// these to having a name.
func TestTimers(t *testing.T) {
	const begin, end = "<!-- go test . -run TestTimers -update -->\n", "<!-- end -->"
	file := filepath.Join("docs", "timers.md")
	text, err := os.ReadFile(file)
	require.NoError(t, err)
	before, rest, ok := strings.Cut(string(text), begin)
	require.True(t, ok)
	table, after, ok := strings.Cut(rest, end)
	require.True(t, ok)

	want := withReasons(durations(t), rows(table))
	for _, r := range want {
		if !*update {
			require.NotEmpty(t, r.why, "%s in %s has no row in %s: run it with -update, and say why it is as long as it is", r.name, r.file, file)
		}
	}
	text = []byte(before + begin + "| Constant | Value | Why | File |\n|---|---|---|---|\n")
	for _, r := range want {
		text = fmt.Appendf(text, "| `%s` | %s | %s | %s |\n", r.name, r.value, r.why, r.file)
	}
	text = append(text, end+after...)
	if *update {
		require.NoError(t, os.WriteFile(file, text, 0o644))
		return
	}
	require.Equal(t, string(text), before+begin+table+end+after, "run it with -update")
}

// rows reads the table.
func rows(table string) (all []timer) {
	for line := range strings.Lines(table) {
		if cells := strings.Split(strings.Trim(line, "| \n"), " | "); len(cells) == 4 && strings.HasPrefix(cells[0], "`") {
			all = append(all, timer{strings.Trim(cells[0], "`"), cells[1], cells[2], cells[3]})
		}
	}
	return all
}

// withReasons gives each duration the reason of the row that has its name. Where a
// constant was renamed it gets that of the row that is left over, if this is the only
// one of its package and value, and so is the constant: a wrong reason is worse than
// none.
func withReasons(found, known []timer) []timer {
	var nameless []int // in found
	for i, f := range found {
		at := slices.IndexFunc(known, func(k timer) bool { return k.name == f.name })
		if at < 0 {
			nameless = append(nameless, i)
			continue
		}
		found[i].why = known[at].why
		known = slices.Delete(known, at, at+1)
	}
	for _, i := range nameless {
		alike := func(t timer) bool { return t.pkg() == found[i].pkg() && t.value == found[i].value }
		others := slices.ContainsFunc(nameless, func(j int) bool { return j != i && alike(found[j]) })
		left := slices.IndexFunc(known, alike)
		if others || left < 0 || slices.ContainsFunc(known[left+1:], alike) {
			continue
		}
		found[i].why = known[left].why
	}
	return found
}

// durations are those of the product, by package and name.
func durations(t *testing.T) (all []timer) {
	for _, folder := range product {
		err := filepath.WalkDir(folder, func(path string, d fs.DirEntry, err error) error {
			switch path = filepath.ToSlash(path); {
			case err != nil:
				return err
			case d.IsDir() && slices.Contains(testOnly, path):
				return fs.SkipDir
			case d.IsDir():
				all = append(all, ofPackage(t, path)...)
			}
			return nil
		})
		if !os.IsNotExist(err) {
			require.NoError(t, err)
		}
	}
	slices.SortStableFunc(all, func(a, b timer) int { return strings.Compare(a.name, b.name) })
	return all
}

// ofPackage are the duration constants of one package.
func ofPackage(t *testing.T, folder string) (all []timer) {
	files, err := filepath.Glob(filepath.Join(folder, "*.go"))
	require.NoError(t, err)
	known := map[string]constant.Value{}
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		set := token.NewFileSet()
		f, err := parser.ParseFile(set, file, nil, 0)
		require.NoError(t, err)
		ast.Inspect(f, func(n ast.Node) bool {
			if decl, ok := n.(*ast.GenDecl); ok && decl.Tok == token.CONST {
				for _, spec := range decl.Specs {
					all = append(all, ofSpec(spec.(*ast.ValueSpec), folder, file, known)...)
				}
				return false
			}
			if e, ok := n.(*ast.BinaryExpr); ok && e.Op == token.MUL {
				_, literal := e.X.(*ast.BasicLit)
				_, unit := e.Y.(*ast.SelectorExpr)
				v, isTime := value(e, known)
				require.False(t, literal && unit && isTime && v != nil, "%s: a duration without a name: make it a constant", set.Position(e.Pos()))
			}
			return true
		})
	}
	return all
}

func ofSpec(spec *ast.ValueSpec, folder, file string, known map[string]constant.Value) (all []timer) {
	for i, name := range spec.Names {
		if i >= len(spec.Values) {
			continue
		}
		v, isTime := value(spec.Values[i], known)
		if !isTime || v == nil {
			continue
		}
		known[name.Name] = v
		ns, _ := constant.Int64Val(constant.ToInt(v))
		all = append(all, timer{name: filepath.ToSlash(folder) + "." + name.Name, value: written(time.Duration(ns)), file: filepath.Base(file)})
	}
	return all
}

// value is what a constant expression comes to, and whether it is a duration: it
// has a unit of package time in it, or a constant that has.
func value(e ast.Expr, known map[string]constant.Value) (constant.Value, bool) {
	switch e := e.(type) {
	case *ast.BasicLit:
		return constant.MakeFromLiteral(e.Value, e.Kind, 0), false
	case *ast.ParenExpr:
		return value(e.X, known)
	case *ast.Ident:
		v, ok := known[e.Name]
		return v, ok
	case *ast.SelectorExpr:
		unit, ok := units[e.Sel.Name]
		if x, isName := e.X.(*ast.Ident); !isName || x.Name != "time" || !ok {
			return nil, false
		}
		return constant.MakeInt64(int64(unit)), true
	case *ast.BinaryExpr:
		x, xTime := value(e.X, known)
		y, yTime := value(e.Y, known)
		if x == nil || y == nil || x.Kind() == constant.String || y.Kind() == constant.String || e.Op == token.SHL || e.Op == token.SHR {
			return nil, false
		}
		switch e.Op {
		case token.ADD, token.SUB, token.MUL, token.QUO:
			return constant.BinaryOp(x, e.Op, y), xTime || yTime
		}
	}
	return nil, false
}

var units = map[string]time.Duration{
	"Nanosecond": time.Nanosecond, "Microsecond": time.Microsecond, "Millisecond": time.Millisecond,
	"Second": time.Second, "Minute": time.Minute, "Hour": time.Hour,
}

// written is a duration as people write it: 250 ms, 1.6 s, 10 min, 24 h.
func written(d time.Duration) string {
	for _, u := range []struct {
		size time.Duration
		name string
	}{{time.Hour, "h"}, {time.Minute, "min"}, {time.Second, "s"}, {time.Millisecond, "ms"}, {time.Microsecond, "µs"}} {
		if d%(u.size) == 0 && d >= u.size {
			return fmt.Sprintf("%d %s", d/u.size, u.name)
		}
	}
	return d.String()
}

// TestDocumentsNameWhatExists: each file and folder that a document names, in a
// link or as code, is there.
func TestDocumentsNameWhatExists(t *testing.T) {
	program := regexp.MustCompile("(?s)```go.*?```")
	link := regexp.MustCompile(`\]\(([^)#: ]+)(#[^)]*)?\)`)
	code := regexp.MustCompile("`((?:\\.ci|bayeux|transport|websocket|longpoll|fallback|client|cmd|internal|examples|interop|bench|docs)/[A-Za-z0-9_./*-]+)`")
	pages, err := filepath.Glob("docs/*.md")
	require.NoError(t, err)
	more, err := filepath.Glob("*.md")
	require.NoError(t, err)
	for _, page := range append(pages, more...) {
		text, err := os.ReadFile(page)
		require.NoError(t, err)
		for _, m := range link.FindAllStringSubmatch(program.ReplaceAllString(string(text), ""), -1) {
			_, err := os.Stat(filepath.Join(filepath.Dir(page), m[1]))
			assert.NoError(t, err, "%s links to %s", page, m[1])
		}
		for _, m := range code.FindAllStringSubmatch(string(text), -1) {
			if page == filepath.Join("docs", "timers.md") {
				continue // constants, which TestTimers knows
			}
			name := m[1]
			if strings.HasPrefix(name, "websocket/") || strings.HasPrefix(name, "longpoll/") {
				name = "transport/" + name
			}
			found, err := filepath.Glob(strings.TrimSuffix(name, "/"))
			require.NoError(t, err)
			assert.NotEmpty(t, found, "%s names %s", page, m[1])
		}
	}
}

// TestDiagramsHaveThePhases: each state of the diagrams in DESIGN.md is a phase in
// package fallback.
func TestDiagramsHaveThePhases(t *testing.T) {
	design, err := os.ReadFile("DESIGN.md")
	require.NoError(t, err)
	code := ""
	for _, file := range []string{"auto.go", "first.go"} {
		text, err := os.ReadFile(filepath.Join("fallback", file))
		require.NoError(t, err)
		code += string(text)
	}
	diagram := regexp.MustCompile("(?s)stateDiagram-v2.*?```")
	arrow := regexp.MustCompile(`(?m)^ +(\w+) --> (\w+)`)
	states := 0
	for _, d := range diagram.FindAllString(string(design), -1) {
		for _, m := range arrow.FindAllStringSubmatch(d, -1) {
			for _, state := range m[1:] {
				states++
				assert.Regexp(t, `(?m)^\t`+state+`\s`, code)
			}
		}
	}
	require.Greater(t, states, 40)
}
