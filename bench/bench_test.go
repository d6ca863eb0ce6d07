package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestMain is also the processes that a test starts.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && (os.Args[1] == "serve" || os.Args[1] == "measure") {
		main()
		return
	}
	os.Exit(m.Run())
}

// TestEveryMeasure makes each kind of measurement once, on few sessions and
// for a moment, and writes the report of it.
func TestEveryMeasure(t *testing.T) {
	var all []*result
	made := map[params]bool{}
	for _, c := range comparisons() {
		r := &result{c, map[string][]figures{}}
		if c.peers { // they need more than Go
			continue
		}
		for _, s := range c.subjects {
			p := s.params
			p.N, p.Seconds, p.Batch = min(p.N, 20), min(p.Seconds, 0.1), 0
			kind := p
			kind.Query = ""
			if made[kind] {
				continue
			}
			made[kind] = true
			f, err := take(t.Context(), p)
			require.NoError(t, err, "%s: %s", c.name, s.name)
			for _, column := range c.columns {
				require.Contains(t, f, column.figure, "%s: %s", c.name, s.name)
			}
			r.taken[s.name] = []figures{f}
		}
		all = append(all, r)
	}
	file := filepath.Join(t.TempDir(), "kept.json")
	require.NoError(t, save(file, all))
	kept, err := load(file)
	require.NoError(t, err)
	require.Len(t, kept, len(all))
	require.NoError(t, report(filepath.Join(t.TempDir(), "report.md"), "", all))
}

func TestSpread(t *testing.T) {
	require.Equal(t, 2.0, spread{3, 1, 2}.median())
	require.Equal(t, 2.5, spread{4, 1, 2, 3}.median())
	require.Equal(t, "2.0 (1.0 to 3.0)", spread{3, 1, 2}.text("%.1f"))
	require.Equal(t, "-", spread{}.text("%.1f"))
	require.True(t, goal{least: 1, most: 3}.met(spread{2}))
	require.False(t, goal{least: 1}.met(spread{0.9}))
	require.False(t, goal{most: 1}.met(spread{1.1}))
}
