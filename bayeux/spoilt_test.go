package bayeux

import (
	"bytes"
	"encoding/json"
	"flag"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/turold/turold/internal/suite/attacks"
)

// spoilt is how many batches TestSpoilt spoils.
var spoilt = flag.Int("spoilt", 20_000, "batches to spoil")

// sound are messages as servers send them.
var sound = []string{
	`{"channel":"/a","data":{"n":1,"text":"a \"b\" \\ {[,:]} é \ud83d"}}`,
	`{"data":[1.5e3,-0,true,null,"x",{"k":[]}],"channel":"/a/b","id":"7"}`,
	`{"channel":"/c","data":"text","ext":{"a":{"b":"c"}},"timestamp":"now"}`,
	`{"channel":"/meta/connect","id":"9","successful":true,"advice":{"reconnect":"retry","interval":0,"timeout":30000},"ext":{"ack":12}}`,
	`{"id":"8","channel":"/a","successful":true}`,
	`{"channel":"/meta/subscribe","id":"4","clientId":"c","subscription":["/a","/b/*"],"successful":false,"error":"403:/a:denied"}`,
	` { "channel" : "/d" , "data" : { "x" : "" } } `,
	`{"data":{},"channel":"/e"}`,
}

// TestSpoilt spoils one message of a batch. Where its quotes and brackets close, every
// other one is read, in its place; where not, nothing is read that was not there.
func TestSpoilt(t *testing.T) {
	r := rand.New(rand.NewPCG(uint64(*spoilt), 1))
	var closed, apart int
	for range *spoilt {
		n := 1 + r.IntN(4)
		parts := make([][]byte, n)
		for i := range parts {
			parts[i] = []byte(sound[r.IntN(len(sound))])
		}
		want, err := Decode(slices.Concat([]byte("["), bytes.Join(parts, []byte(",")), []byte("]")), Limits{})
		require.NoError(t, err)
		bad := r.IntN(n)
		parts[bad] = attacks.Spoil(r, parts[bad])
		in := slices.Concat([]byte("["), bytes.Join(parts, []byte(",")), []byte("]"))
		got, err := Decode(in, Limits{})
		if attacks.Closes(parts[bad]) {
			closed++
			require.NoError(t, err, "%q", in)
			require.Len(t, got, n, "%q", in)
			for i := range got {
				if i != bad {
					require.Equal(t, want[i], got[i], "%q", in)
				}
			}
			if m := got[bad]; m.Unreadable() == nil {
				require.True(t, json.Valid(parts[bad]), "%q", in)
			} else if m.Channel != "" {
				require.Contains(t, strings.ReplaceAll(string(parts[bad]), `\/`, "/"), string(m.Channel), "%q", in)
			}
			continue
		}
		apart++
		if json.Valid(in) { // then nobody can tell
			continue
		}
		for i := range got {
			if got[i].Data != nil {
				require.Contains(t, told(want), toldOf(&got[i]), "%q", in)
			}
		}
	}
	require.Greater(t, closed, *spoilt/4)
	require.Greater(t, apart, *spoilt/20)
}
