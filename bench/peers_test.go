package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestPeersAreLeftOutAloud has no tool installed: nothing fails, and the report
// says who is missing and why, once, also when it is written again later.
func TestPeersAreLeftOutAloud(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	r, err := peersIdle().run(t.Context(), 1)
	require.NoError(t, err)
	var b strings.Builder
	r.print(&b)
	require.Equal(t, 1, strings.Count(b.String(), "everyone, for CometD's server was left out: servers: java is missing"), b.String())
	require.Contains(t, b.String(), "| Turold websocket | - |")

	file := t.TempDir() + "/kept.json"
	require.NoError(t, save(file, []*result{r}))
	kept, err := load(file)
	require.NoError(t, err)
	require.Equal(t, r.remarks(), (&result{r.comparison, kept["peers-idle"]}).remarks())
}

func TestRemarks(t *testing.T) {
	for _, peer := range []string{java, js} {
		missing := &leftOut{peer, errors.New("servers: a tool is missing: install it")}
		require.Equal(t, peer+" was left out: servers: a tool is missing: install it.", remark(peer, missing))
	}
	require.Empty(t, remark(ours, nil))
	require.Empty(t, remark(java, errors.New("it broke")), "that is a failure, not a remark")
}

// TestPeersUnderstandTheSpec holds what is given to a peer to the names that its source reads.
func TestPeersUnderstandTheSpec(t *testing.T) {
	spec, err := json.Marshal(params{})
	require.NoError(t, err)
	var given map[string]any
	require.NoError(t, json.Unmarshal(spec, &given))
	for _, name := range []string{"Measure", "URL", "Kind", "Ack", "Channel", "Text", "N", "Warm", "Seconds"} {
		require.Contains(t, given, name)
		for peer, say := range map[string]string{java: fmt.Sprintf("all.get(%q)", name), js: "spec." + name} {
			source, file := programs[peer].Source, map[string]string{java: "src/main/java/Peer.java", js: "peer.js"}[peer]
			b, err := fs.ReadFile(source, file)
			require.NoError(t, err)
			require.Contains(t, string(b), say)
		}
	}
}

func TestFiguresAreTheLastLine(t *testing.T) {
	f, err := lastFigures([]byte("noise {\n{\"p50\":1.5}\n"))
	require.NoError(t, err)
	require.Equal(t, figures{"p50": 1.5}, f)
	for _, bad := range []string{"", "{}", "noise", "{\"p50\":1}\nnoise"} {
		_, err := lastFigures([]byte(bad))
		require.Error(t, err, bad)
	}
}

func TestEventsOfPeersHaveTheirSize(t *testing.T) {
	data, err := json.Marshal(datum{N: 500, Text: strings.Repeat("x", padding)})
	require.NoError(t, err)
	require.Len(t, fmt.Sprintf(`{"data":%s,"channel":"/bench/10"}`, data), 252)
}
