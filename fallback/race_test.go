package fallback

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/turold/turold/transport"
)

// TestHandshakeThatTheHandlerCutStaysByHTTP: the server refused the credential by
// HTTP, and the Handler cuts the leg while it gets another. The socket that is
// open was opened with the refused one.
func TestHandshakeThatTheHandlerCutStaysByHTTP(t *testing.T) {
	for name, c := range map[string]struct {
		err  *transport.Error
		goes stand
	}{
		"the handler cut it": {&transport.Error{Op: "cut", Err: errEnded}, anchored},
		"it was late":        {&transport.Error{Op: "cut", Err: errShake}, turning},
		"it broke":           {fails("read", 0), turning},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRace(new(Memory), func() string { return "x" }, DefaultPatience)
			step := func(e event) effects {
				e.now = epoch
				return r.step(e)
			}
			step(event{kind: woken, lane: transport.Commands})
			require.True(t, step(event{kind: asks, pipe: onHTTP, leg: 1}).pass)
			step(event{kind: drew, pipe: onHTTP, leg: 1, batch: batch(t, handshake)})
			require.NotNil(t, step(event{kind: asks, pipe: onSocket, leg: 2}).batch, "the probe")
			require.True(t, step(event{kind: ended, pipe: onHTTP, leg: 1, err: c.err}).pass)
			require.Equal(t, c.goes, r.at)
		})
	}
}
