package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestEveryMutantApplies holds the descriptions and the table to the code.
func TestEveryMutantApplies(t *testing.T) {
	t.Chdir("../../..")
	dir := t.TempDir()
	ms, err := all(dir, "")
	require.NoError(t, err)
	require.GreaterOrEqual(t, len(ms), 30)
	found, err := readTable()
	require.NoError(t, err)
	for _, m := range ms {
		require.NotZero(t, found[m.name], "%s is not noticed by anything, or not in the table", m.name)
		source, err := os.ReadFile(m.file)
		require.NoError(t, err)
		changed, err := os.ReadFile(filepath.Join(dir, m.name, m.file))
		require.NoError(t, err)
		require.NotEqual(t, string(source), string(changed))
	}
	require.Len(t, found, len(ms))
}
