package imports

import (
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const module = "github.com/turold/turold/"

// mayImport says which packages of the module each package may import, tests
// aside. A package that is not named may not exist. Those below cmd and examples
// are users: they may import what is public, and so may their tests.
var mayImport = map[string][]string{
	"bayeux":                    {},
	"bayeux/bayeuxtest":         {"bayeux", "transport"},
	"bayeux/bayeuxtest/hostile": {},
	"bayeux/bayeuxtest/memnet":  {},
	"transport":                 {"bayeux", "internal/wire"},
	"transport/websocket":       {"bayeux", "transport", "internal/mono", "internal/wire"},
	"transport/longpoll":        {"bayeux", "transport", "internal/wire"},
	"transport/transporttest":   {"bayeux", "bayeux/bayeuxtest", "transport", "bayeux/bayeuxtest/memnet"},
	"fallback":                  {"bayeux", "transport", "internal/legs", "internal/mono", "internal/wire"},
	"client":                    {"bayeux", "transport", "fallback", "internal/legs", "internal/mono", "internal/wire", "transport/websocket", "transport/longpoll"},

	// What the product links.
	"internal/legs": {"transport"},
	"internal/mono": {},
	"internal/wire": {"bayeux"},

	// Programs that break or measure the whole client.
	"internal/check/cuts": {"bayeux", "bayeux/bayeuxtest", "bayeux/bayeuxtest/memnet", "client", "fallback", "internal/testutil/spread",
		"internal/testutil/verdict", "transport/longpoll", "transport/transporttest", "transport/websocket"},
	"internal/check/figures": {"bayeux", "bayeux/bayeuxtest", "bayeux/bayeuxtest/memnet", "client", "fallback", "internal/testutil/spread", "transport"},
	"internal/check/mutants": {},
	"internal/check/sim": {"bayeux", "bayeux/bayeuxtest", "bayeux/bayeuxtest/hostile", "bayeux/bayeuxtest/memnet", "client", "fallback",
		"internal/testutil/verdict", "transport", "transport/longpoll", "transport/transporttest", "transport/websocket"},
	"internal/check/stress":        {"bayeux", "bayeux/bayeuxtest", "internal/check/stress/engine"},
	"internal/check/stress/engine": {"bayeux", "client", "fallback"},

	// What must hold, as tests and data.
	"internal/suite/api":       {},
	"internal/suite/attacks":   {},
	"internal/suite/fidelity":  {"bayeux", "transport", "client", "fallback"},
	"internal/suite/hardening": {},
	"internal/suite/imports":   {},

	// Helpers of the two.
	"internal/testutil/spread":  {},
	"internal/testutil/testnet": {},
	"internal/testutil/verdict": {"bayeux", "client"},
}

// onlyIn says where a package, or what lies below it, may be imported.
var onlyIn = map[string][]string{
	"github.com/gorilla/websocket":       {"transport/websocket", "bayeux/bayeuxtest", "internal/suite/fidelity"},
	"github.com/alecthomas/kong":         {"cmd/turold"},
	"github.com/HdrHistogram":            {"cmd/turold/internal/load"},
	"github.com/go-analyze/charts":       {"cmd/turold/internal/load"},
	"github.com/cenkalti/backoff":        {"client"},
	"github.com/go-json-experiment/json": {"bayeux"},
	"golang.org/x/net":                   {"internal/wire/tunnel.go"},
	"golang.org/x/text":                  {"transport/longpoll"},
	module + "fallback":                  {"client/options.go", "client/opener.go", "client/status.go", "cmd/turold", "examples", "internal/check/cuts", "internal/suite/fidelity", "internal/check/figures", "internal/check/sim", "internal/check/stress/engine"},
	module + "transport/websocket":       {"client/opener.go", "internal/check/cuts", "internal/check/sim"},
	module + "transport/longpoll":        {"client/opener.go", "internal/check/cuts", "internal/check/sim"},
	"github.com/stretchr/testify":        {"transport/transporttest", "internal/suite/fidelity", "internal/check/figures"},
	"pgregory.net/rapid":                 {},
	"go.uber.org/goleak":                 {},
	"net/http":                           {"bayeux/bayeuxtest", "transport", "client", "internal/suite/attacks", "internal/testutil/testnet", "internal/wire", "internal/check/cuts", "internal/suite/fidelity", "internal/check/figures", "internal/check/sim", "internal/check/stress", "cmd", "examples"},
	"unsafe":                             {},
}

func TestImports(t *testing.T) {
	seen := map[string]bool{}
	root := filepath.Join("..", "..", "..")
	require.NoError(t, filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, _ := filepath.Rel(root, path)
		rel = filepath.ToSlash(rel)
		if d.IsDir() && (rel == "interop" || rel == "bench" || rel != "." && strings.HasPrefix(rel, ".")) {
			return fs.SkipDir
		}
		pkg := rel[:max(strings.LastIndex(rel, "/"), 0)]
		test := strings.HasSuffix(rel, "_test.go")
		if d.IsDir() || !strings.HasSuffix(rel, ".go") || test && !isUser(pkg) {
			return nil
		}
		seen[pkg] = true
		f, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ImportsOnly)
		require.NoError(t, err)
		for _, spec := range f.Imports {
			name, _ := strconv.Unquote(spec.Path.Value)
			if test {
				checkUser(t, rel, name)
				continue
			}
			check(t, pkg, rel, name)
		}
		return nil
	}))
	for pkg := range mayImport {
		require.True(t, seen[pkg], "%s is named here and does not exist", pkg)
	}
}

// check holds one import of a file to the rules.
func check(t *testing.T, pkg, file, name string) {
	if own, ours := strings.CutPrefix(name, module); ours {
		allowed, known := mayImport[pkg]
		if isUser(pkg) {
			checkUser(t, file, name)
		} else {
			require.True(t, known, "%s is a package without rules", pkg)
			require.Contains(t, allowed, own, "%s imports %s", file, own)
		}
	}
	for what, where := range onlyIn {
		if below(name, what) {
			require.True(t, slices.ContainsFunc(where, func(w string) bool { return below(file, w) }), "%s imports %s", file, name)
		}
	}
}

func isUser(pkg string) bool { return below(pkg, "cmd") || below(pkg, "examples") }

// checkUser holds one import of a program, or of its test, to the rules: a reader
// of an example must be able to import the same. The go command guards a
// program's own internal packages.
func checkUser(t *testing.T, file, name string) {
	require.False(t, below(name, module+"internal"), "%s imports %s", file, name)
}

func below(name, folder string) bool { return name == folder || strings.HasPrefix(name, folder+"/") }
