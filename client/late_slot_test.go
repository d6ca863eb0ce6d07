package client

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/turold/turold/internal/mono"
)

// TestLateHandshakesTakeNewSlots: the machine is late while the slots of many sessions
// come. Their handshakes do not leave together when it goes on.
func TestLateHandshakesTakeNewSlots(t *testing.T) {
	d, crowd := new(Dialer), make([]*Client, 2000)
	now := mono.Now()
	for i := range crowd {
		crowd[i] = &Client{dialer: d}
		var err error
		crowd[i].base, err = d.addressed("http://server/cometd", "")
		require.NoError(t, err)
	}
	var left []mono.Time
	asks := func(c *Client) {
		if c.mayHandshake(now) {
			c.handshake.leg = 1
			left = append(left, now)
		}
	}
	for _, c := range crowd {
		asks(c)
	}
	now = now.Add(3 * time.Second) // in which most slots come
	for range 30_000 {
		for _, c := range crowd {
			if c.handshake.leg == 0 && mono.Due(&c.handshake.slotDue, now) {
				c.handshake.giveUpLateSlot(now)
				asks(c)
			}
		}
		now = now.Add(time.Millisecond)
	}
	require.Len(t, left, len(crowd))
	busiest := 0
	for i, j := 0, 0; j < len(left); j++ {
		for left[j].Sub(left[i]) > time.Second {
			i++
		}
		busiest = max(busiest, j-i+1)
	}
	require.LessOrEqual(t, busiest, 500+50+int(500*slotGrace/time.Second)+1)
}
