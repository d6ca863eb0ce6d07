package turold_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestFirstProgram: the program that the README and the package's comment begin with
// is the same one, compiles as it stands, and prints what it should.
func TestFirstProgram(t *testing.T) {
	readme, err := os.ReadFile("README.md")
	require.NoError(t, err)
	_, program, ok := strings.Cut(string(readme), "```go\npackage main\n")
	require.True(t, ok)
	program, _, ok = strings.Cut(program, "```")
	require.True(t, ok)
	program = "package main\n" + program

	comment, err := os.ReadFile("doc.go")
	require.NoError(t, err)
	var inComment strings.Builder
	for line := range strings.Lines(string(comment)) {
		if code, ok := strings.CutPrefix(line, "//\t"); ok {
			inComment.WriteString(code)
		} else if line == "//\n" && inComment.Len() > 0 {
			inComment.WriteByte('\n')
		}
	}
	require.Equal(t, program, strings.TrimRight(inComment.String(), "\n")+"\n")

	file := filepath.Join(t.TempDir(), "main.go")
	require.NoError(t, os.WriteFile(file, []byte(program), 0o600))
	out, err := exec.CommandContext(t.Context(), "go", "run", file).CombinedOutput()
	require.NoError(t, err, "%s", out)
	require.Equal(t, "ACME at 12.50\n", string(out))
}
