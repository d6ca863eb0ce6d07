package fallback_test

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/turold/turold/fallback"
)

// TestWeather: whatever the network does, in whatever order, once it is well
// the session is, and between two decisions there is always a change.
func TestWeather(t *testing.T) {
	reached := map[string]int{}
	for seed := range uint64(25) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			inWorld(t, func(w *world) {
				r := rand.New(rand.NewPCG(seed, 0))
				w.start(fallback.Policy{Mode: fallback.WebSocketFirst, Patience: time.Duration(1+r.IntN(4)) * time.Second})
				for range 60 {
					w.change(r)
					time.Sleep(time.Duration(r.IntN(20_000)) * time.Millisecond)
				}
				w.clear()
				time.Sleep(2 * time.Minute)
				id := w.user.publish()
				time.Sleep(5 * time.Second)
				require.Contains(w, w.user.saw().replies, id, "the network is well and the session is not")
				for _, d := range w.told() {
					reached[d.To+" "+string(d.Reason)]++
				}
			})
		})
	}
	for _, what := range []string{"websocket first", "websocket back", "long-polling refused", "long-polling hang", "long-polling mute", "long-polling wrong answer"} {
		require.Positive(t, reached[what], "never told: %s", what)
	}
}

// change makes one thing other than it was.
func (w *world) change(r *rand.Rand) {
	hostile := []func(http.ResponseWriter, *http.Request) bool{
		nil, nil, nil, status(403), status(502), w.hang, w.opens(""), w.opens(html), w.opens(c1002),
	}
	switch r.IntN(12) {
	case 0, 1, 2, 3:
		w.sockets(hostile[r.IntN(len(hostile))])
	case 4, 5:
		w.net.Reset(address)
	case 6:
		w.net.Refuse(address, r.IntN(2) == 0)
	case 7:
		w.net.BlackHole(address, r.IntN(2) == 0)
	case 8:
		w.all(nil)
		if r.IntN(2) == 0 {
			w.all(status(503))
		}
	case 9, 10:
		w.server.Forget("")
	case 11:
		w.clear()
	}
}

// clear makes all well.
func (w *world) clear() {
	w.sockets(nil)
	w.all(nil)
	w.net.Refuse(address, false)
	w.net.BlackHole(address, false)
	w.net.Reset(address) // what hangs is gone
}
