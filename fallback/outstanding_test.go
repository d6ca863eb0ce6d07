package fallback

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/turold/turold/bayeux"
)

// TestLedgerPaysByID: whatever leaves and in whatever order it is answered, what is
// owed is what was not, within a bound.
func TestLedgerPaysByID(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	var l outstanding
	var out []string
	for n := range 20_000 {
		if rng.IntN(2+n/5000) > 0 || len(out) == 0 {
			id := fmt.Sprint("p", n)
			l.add([]bayeux.Message{{Channel: "/a", ID: id}})
			if out = append(out, id); len(out) > maxCommands {
				out = out[1:]
			}
		} else {
			i := 0
			if rng.IntN(3) == 0 {
				i = rng.IntN(len(out))
			}
			got := l.match([]bayeux.Message{{Channel: "/a", ID: "p0x"}, {Channel: "/b", ID: out[i]}, {Channel: "/a", ID: out[i], Data: []byte("1")}})
			require.False(t, got.answered)
			got = l.match([]bayeux.Message{{Channel: "/a", ID: out[i]}})
			require.True(t, got.answered)
			out = slices.Delete(out, i, i+1)
		}
		require.Equal(t, len(out), l.openCommands())
		require.LessOrEqual(t, cap(l.commands), 4*maxCommands)
	}
	for len(out) > 0 {
		require.True(t, l.match([]bayeux.Message{{Channel: "/a", ID: out[0]}}).answered)
		out = out[1:]
	}
	require.LessOrEqual(t, cap(l.commands), keptCapacity)
}

// TestLedgerWithoutIDs: a reply without an id belongs to the one that it can be for.
func TestLedgerWithoutIDs(t *testing.T) {
	subscribe := func(id string, ch bayeux.Channel) bayeux.Message {
		return bayeux.Message{Channel: bayeux.MetaSubscribe, ID: id, Meta: &bayeux.Meta{Subscription: []bayeux.Channel{ch}}}
	}
	var l outstanding
	l.add([]bayeux.Message{{Channel: bayeux.MetaHandshake, ID: "a"}, {Channel: bayeux.MetaConnect, ID: "b"}, subscribe("c", "/x"), subscribe("d", "/y"), {Channel: "/a", ID: "e"}})
	says := func(text string) replies { return l.match(batch(t, text)) }
	require.False(t, says(`[{"channel":"/a","successful":true}]`).answered, "anybody may have published it")
	require.False(t, says(`[{"channel":"/meta/subscribe","successful":true}]`).answered, "of which of the two?")
	require.True(t, says(`[{"channel":"/meta/subscribe","successful":true,"subscription":"/y"}]`).answered)
	require.True(t, says(`[{"channel":"/meta/subscribe","successful":true}]`).answered)
	require.NotNil(t, says(`[{"channel":"/meta/handshake","successful":true}]`).handshake)
	require.NotNil(t, says(`[{"channel":"/meta/connect","successful":true}]`).connect)
	require.Nil(t, says(`[{"channel":"/meta/connect","successful":true}]`).connect, "none is out")
	require.Equal(t, 1, l.openCommands())
}

// TestAConnectsReplyThatCannotBeReadIsOwedNoMore: the client takes it for the reply, and
// asks for the next; it proves nothing.
func TestAConnectsReplyThatCannotBeReadIsOwedNoMore(t *testing.T) {
	for reply, paid := range map[string]bool{
		`{"channel":"/meta/connect","id":"b","successful":true,"advice":{},"advice":{}}`: true,
		`{"channel":"/meta/connect","successful":tru}`:                                   true,
		`{"channel":5,"id":"b","successful":true}`:                                       true,
		`{"channel":"/meta/connect","id":"c","successful":true,"advice":{},"advice":{}}`: false,
		`{"channel":"/a","id":"b","data":tru}`:                                           false,
	} {
		var l outstanding
		l.add([]bayeux.Message{{Channel: bayeux.MetaConnect, ID: "b"}})
		got := l.match(batch(t, "["+reply+"]"))
		require.Equal(t, paid, got.unreadable, reply)
		require.Equal(t, paid, l.connect.ID == "", reply)
		require.False(t, got.answered, reply)
		require.Nil(t, got.connect, reply)
	}
}
