package main

import (
	"log/slog"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/turold/turold/bayeux"
	"github.com/turold/turold/bayeux/bayeuxtest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// TestCuts makes few of the cuts, each kind at other bytes; the program makes as
// many as one likes.
func TestCuts(t *testing.T) {
	const every = 701
	for i, k := range kinds {
		o := options{pipe: "both", kind: k.name, from: "both", first: int64(i * every / len(kinds)), every: every, most: every}
		sum := o.run(t)
		require.Equal(t, sum.played, sum.cut, "each byte was reached")
	}
}

// TestOracleFindsWhatIsWrong: a server that does wrong to one event, or to one
// publish, is not let pass.
func TestOracleFindsWhatIsWrong(t *testing.T) {
	const in, event = "in the place of event 7", `"0007`
	for name, c := range map[string]struct {
		rewrite func(ms []bayeux.Message) []bayeux.Message
		want    string // the beginning of what is told; empty: nothing
	}{
		"nothing": {func(ms []bayeux.Message) []bayeux.Message { return ms }, ""},
		"twice":   {func(ms []bayeux.Message) []bayeux.Message { return append(ms, ms[0]) }, "in the place of event 9: \"0007"},
		"lost":    {func([]bayeux.Message) []bayeux.Message { return []bayeux.Message{} }, in + ": \"0009"},
		"changed": {func(ms []bayeux.Message) []bayeux.Message { ms[0].Data = []byte(`"0011"`); return ms }, in + ": \"0011"},
	} {
		rewrite := func(ms []bayeux.Message, body []byte) []byte {
			if len(ms) == 1 && len(ms[0].Data) > 5 && string(ms[0].Data[:5]) == event {
				return bayeux.Append(nil, c.rewrite([]bayeux.Message{ms[0]}))
			}
			return body
		}
		var out outcome
		synctest.Test(t, func(*testing.T) {
			out = play(cut{pipe: pipes[0], at: -1}, slog.New(slog.DiscardHandler), bayeuxtest.Options{Rewrite: rewrite})
		})
		if c.want == "" {
			require.Empty(t, out.wrong, name)
			continue
		}
		require.NotEmpty(t, out.wrong, name)
		require.Contains(t, out.wrong[0], c.want, name)
	}
}

// TestCutsAreMade: without acknowledgement the same cuts lose events, so they do
// hit what they are meant to.
func TestCutsAreMade(t *testing.T) {
	for _, p := range pipes[:2] {
		gaps := 0
		for at := int64(20_000); at < 25_000; at += 500 {
			synctest.Test(t, func(*testing.T) {
				out := play(cut{p, kinds[1], false, at}, slog.New(slog.DiscardHandler), bayeuxtest.Options{NoAck: true})
				require.True(t, out.cut)
				if len(out.wrong) > 0 {
					gaps++
				}
			})
		}
		require.Positive(t, gaps, p.name)
	}
}
