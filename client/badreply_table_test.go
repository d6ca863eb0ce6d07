package client_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/turold/turold/fallback"
)

var update = flag.Bool("update", false, "write the table of bad replies into docs/servers.md again")

// TestBadReplies plays every row on both transports.
func TestBadReplies(t *testing.T) {
	for i := range badReplies {
		b := &badReplies[i]
		for _, on := range []struct {
			mode fallback.Mode
			want outcome
		}{{fallback.LongPollingOnly, b.long}, {fallback.WebSocketOnly, b.sock}} {
			if on.want == (outcome{}) {
				continue
			}
			t.Run(b.name+"/"+on.mode.String(), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					got := b.look(t, on.mode)
					require.Equal(t, on.want.does, got.does)
					require.True(t, on.want.allows(got.sees), "%s: %s", on.want.sees, got.sees)
					require.LessOrEqual(t, got.most, on.want.most, "requests in a minute")
					t.Logf("%d requests in a minute", got.most)
				})
			})
		}
	}
}

// allows compares what was seen, where "publish a or b" is either.
func (o outcome) allows(sees string) bool {
	either, rest, _ := strings.Cut(o.sees, ";")
	publish, more, _ := strings.Cut(sees, ";")
	return rest == more && slices.Contains(strings.Split(strings.TrimPrefix(either, "publish "), " or "), strings.TrimPrefix(publish, "publish "))
}

// TestBadRepliesAreInTheDocuments holds the table in docs/servers.md to the rows.
func TestBadRepliesAreInTheDocuments(t *testing.T) {
	const begin, end = "<!-- bad replies: go test ./client -run TestBadRepliesAreInTheDocuments -update -->\n", "<!-- end -->"
	file := filepath.Join("..", "docs", "servers.md")
	text, err := os.ReadFile(file)
	require.NoError(t, err)
	before, rest, ok := strings.Cut(string(text), begin)
	require.True(t, ok)
	_, after, ok := strings.Cut(rest, end)
	require.True(t, ok)
	table := badReplyTable()
	if *update {
		require.NoError(t, os.WriteFile(file, []byte(before+begin+table+end+after), 0o644))
		return
	}
	require.Equal(t, string(text), before+begin+table+end+after, "run it with -update")
}

func badReplyTable() string {
	var b strings.Builder
	b.WriteString("| For a minute there comes | By long-polling the session | the application sees | requests, at most | On a WebSocket the session | the application sees | frames and upgrades, at most |\n|---|---|---|---|---|---|---|\n")
	for _, r := range badReplies {
		fmt.Fprintf(&b, "| %s | %s | %s |\n", r.name, r.long.cells(), r.sock.cells())
	}
	return b.String()
}

func (o outcome) cells() string {
	if o == (outcome{}) {
		return "- | - | -"
	}
	return fmt.Sprintf("%s | %s | %d", o.does, o.sees, o.most)
}
