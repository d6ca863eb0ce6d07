package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestDefectsInOneProgram: each is played alone, and none without its name.
func TestDefectsInOneProgram(t *testing.T) {
	t.Chdir(t.TempDir())
	require.NoError(t, os.WriteFile("go.mod", []byte("module example.com/p\n\ngo 1.26\n"), 0o644))
	require.NoError(t, os.WriteFile("main.go", []byte(`package main

import "fmt"

type counter struct{ n int }

func (c *counter) add() {
	c.n++
}

func (c *counter) value() int { return c.n }

func main() {
	c := new(counter)
	c.add()
	fmt.Print(c.value())
}
`), 0o644))
	dir := t.TempDir()
	var all []branch
	for name, text := range map[string]string{
		"twice":  "What.\n\nfile main.go\nfunc counter.add\n \tc.n++\n+\tc.n++ // and a comment\n",
		"denied": "What.\n\nfile main.go\nfunc counter.value\n-func (c *counter) value() int { return c.n }\n+func (c *counter) value() int { return -1 }\n",
		"never":  "What.\n\nfile main.go\nfunc counter.add\n-\tc.n++\n",
	} {
		m, err := parse(text)
		require.NoError(t, err)
		m.name = name
		own, err := m.branches()
		require.NoError(t, err)
		require.Len(t, own, 1)
		all = append(all, own...)
	}
	overlay, err := plantAll(dir, all)
	require.NoError(t, err)
	program := filepath.Join(dir, "program.exe")
	out, failed, err := run("go", "build", "-overlay", overlay, "-o", program, ".")
	require.NoError(t, err)
	require.False(t, failed, string(out))
	for defect, want := range map[string]string{"": "1", "twice": "2", "denied": "-1", "never": "0"} {
		out, failed, err := runIn(func(cmd *exec.Cmd) { cmd.Env = append(os.Environ(), variable+"="+defect) }, program)
		require.NoError(t, err)
		require.False(t, failed)
		require.Equal(t, want, string(out), defect)
	}
}

// TestDefectsThatStandAlone change more than what is in functions.
func TestDefectsThatStandAlone(t *testing.T) {
	t.Chdir(t.TempDir())
	require.NoError(t, os.WriteFile("p.go", []byte(source), 0o644))
	for _, text := range []string{
		"What.\n\nfile p.go\ntop level\n-const limit = 1\n+const limit = 2\n",
		"What.\n\nfile p.go\nfunc add\n-func add() {\n+func add(int) {\n",
		"What.\n\nfile p.go\nfunc add\n \tn := limit\n+again:\n+\tgoto again\n",
	} {
		m, err := parse(text)
		require.NoError(t, err)
		own, err := m.branches()
		require.NoError(t, err)
		require.Empty(t, own, text)
	}
}
