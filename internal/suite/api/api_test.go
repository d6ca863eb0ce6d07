package api

import (
	"cmp"
	"flag"
	"fmt"
	"go/importer"
	"go/token"
	"go/types"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const module = "github.com/turold/turold"

var update = flag.Bool("update", false, "write api.txt")

// TestListing compares api.txt with what the packages export.
func TestListing(t *testing.T) {
	const renew = "go test ./internal/suite/api -update"
	file := filepath.Join("..", "..", "..", "api.txt")
	var got strings.Builder
	fmt.Fprintf(&got, "# What each public package exports, one declaration a line. Renewed by: %s\n", renew)
	exported, paths := exports(t)
	all := importer.ForCompiler(token.NewFileSet(), "gc", func(path string) (io.ReadCloser, error) { return os.Open(exported[path]) })
	for _, path := range paths {
		pkg, err := all.Import(path)
		require.NoError(t, err)
		name := cmp.Or(strings.TrimPrefix(strings.TrimPrefix(path, module), "/"), ".")
		fmt.Fprintf(&got, "\n%s: package %s\n", name, pkg.Name())
		for _, line := range listing(pkg) {
			fmt.Fprintf(&got, "%s: %s\n", name, line)
		}
	}
	if *update {
		require.NoError(t, os.WriteFile(file, []byte(got.String()), 0o644))
	}
	kept, err := os.ReadFile(file)
	require.NoError(t, err)
	before, after := lines(string(kept)), lines(got.String())
	var changes []string
	for _, line := range before {
		if !slices.Contains(after, line) {
			changes = append(changes, "- "+line)
		}
	}
	for _, line := range after {
		if !slices.Contains(before, line) {
			changes = append(changes, "+ "+line)
		}
	}
	require.Empty(t, changes, "the API is not what api.txt lists; if it should be: %s", renew)
	require.Equal(t, after, before, "api.txt has other lines twice, or in another order: %s", renew)
}

func lines(text string) []string { return strings.Split(strings.ReplaceAll(text, "\r\n", "\n"), "\n") }

// exports returns the paths of the public packages, and the files of export data
// of those and of all that they need.
func exports(t *testing.T) (exported map[string]string, public []string) {
	for _, line := range goList(t, module+"/...") {
		first, _, _ := strings.Cut(strings.TrimPrefix(strings.TrimPrefix(line, module), "/"), "/")
		if !slices.Contains([]string{"cmd", "examples", "internal"}, first) {
			public = append(public, line)
		}
	}
	require.GreaterOrEqual(t, len(public), 8)
	exported = map[string]string{}
	for _, line := range goList(t, append([]string{"-export", "-deps", "-f", "{{.ImportPath}}\t{{.Export}}"}, public...)...) {
		path, file, _ := strings.Cut(line, "\t")
		exported[path] = file
	}
	return exported, public
}

// goList returns the lines of go list.
func goList(t *testing.T, args ...string) []string {
	list := exec.CommandContext(t.Context(), "go", append([]string{"list"}, args...)...)
	list.Stderr = os.Stderr
	out, err := list.Output()
	require.NoError(t, err)
	return lines(strings.TrimSpace(string(out)))
}

// listing has a line for each declaration, field and method that a package
// exports, in the order of their names.
func listing(pkg *types.Package) (found []string) {
	name := func(p *types.Package) string {
		if p == pkg {
			return ""
		}
		return p.Name()
	}
	for _, id := range pkg.Scope().Names() {
		o := pkg.Scope().Lookup(id)
		if !o.Exported() {
			continue
		}
		switch o := o.(type) {
		case *types.Const:
			found = append(found, fmt.Sprintf("const %s %s = %s", id, types.TypeString(o.Type(), name), o.Val()))
		case *types.TypeName:
			found = append(found, typeLines(o, name)...)
		default:
			found = append(found, types.ObjectString(o, name))
		}
	}
	return found
}

func typeLines(o *types.TypeName, name types.Qualifier) (found []string) {
	named, ok := o.Type().(*types.Named)
	if o.IsAlias() || !ok {
		return []string{types.ObjectString(o, name)}
	}
	switch u := named.Underlying().(type) {
	case *types.Struct:
		found = append(found, "type "+types.TypeString(named, name)+" struct")
		for f := range u.Fields() {
			if f.Embedded() && f.Exported() {
				found = append(found, fmt.Sprintf("embedded %s.%s", o.Name(), types.TypeString(f.Type(), name)))
			} else if f.Exported() {
				found = append(found, fmt.Sprintf("field %s.%s %s", o.Name(), f.Name(), types.TypeString(f.Type(), name)))
			}
		}
	case *types.Interface:
		found = append(found, "type "+types.TypeString(named, name)+" interface")
		for e := range u.EmbeddedTypes() {
			found = append(found, fmt.Sprintf("embedded %s.%s", o.Name(), types.TypeString(e, name)))
		}
		for m := range u.ExplicitMethods() {
			if m.Exported() {
				found = append(found, fmt.Sprintf("method %s.%s%s", o.Name(), m.Name(), signature(m, name)))
			} else {
				found = append(found, fmt.Sprintf("type %s has an unexported method", o.Name()))
			}
		}
	default:
		found = append(found, "type "+types.TypeString(named, name)+" "+types.TypeString(u, name))
	}
	methods := slices.SortedFunc(named.Methods(), func(a, b *types.Func) int { return cmp.Compare(a.Name(), b.Name()) })
	for _, m := range methods {
		if m.Exported() {
			receiver := types.TypeString(m.Signature().Recv().Type(), name)
			found = append(found, fmt.Sprintf("method (%s) %s%s", receiver, m.Name(), signature(m, name)))
		}
	}
	return found
}

// signature is a function's without the word func.
func signature(f *types.Func, name types.Qualifier) string {
	return strings.TrimPrefix(types.TypeString(f.Type(), name), "func")
}
