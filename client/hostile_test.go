package client_test

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/turold/turold/bayeux/bayeuxtest"
	"github.com/turold/turold/bayeux/bayeuxtest/hostile"
	"github.com/turold/turold/bayeux/bayeuxtest/memnet"
	"github.com/turold/turold/client"
)

// onHostile runs f with a client in the default mode behind something hostile.
func onHostile(t *testing.T, fault hostile.Fault, o *client.Options, f func(s *stack, way *hostile.Listener)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		s := &stack{T: t, net: memnet.New()}
		s.net.SetLatency(latency)
		l, err := s.net.Listen(address)
		require.NoError(t, err)
		way := hostile.Listen(l, fault)
		s.server = bayeuxtest.Serve(way, "/cometd", bayeuxtest.New(nil), nil)
		s.dialer = &client.Dialer{DialContext: s.net.DialContext, Proxy: http.ProxyURL(nil)}
		defer s.close()
		s.c, err = s.dialer.Dial(t.Context(), site, o)
		require.NoError(t, err)
		f(s, way)
	})
}

// TestNothingIsLostOnHostileWays: two minutes of events through each, with ack
// and without. With ack each comes once and in order; without, whatever is
// missing is told, and the session never ends.
func TestNothingIsLostOnHostileWays(t *testing.T) {
	faults := map[string]hostile.Fault{
		"clear":               {},
		"forbidden":           {Upgrade: hostile.Forbidden},
		"login page":          {Upgrade: hostile.SignIn},
		"proxy wants sign-in": {Upgrade: hostile.ProxyAuth},
		"never answered":      {Hang: true},
		"wrong accept":        {WrongAccept: true},
		"first frame lost":    {DropFirst: true},
		"in blocks of 4 KiB":  {Buffer: 4096},
		"trickling":           {Trickle: time.Millisecond},
		"idle 5 s":            {Idle: 5 * time.Second},
		"idle 30 s":           {Idle: 30 * time.Second},
		"idle 60 s":           {Idle: 60 * time.Second},
		"lifetime 40 s":       {Lifetime: 40 * time.Second},
		"lifetime 120 s":      {Lifetime: 120 * time.Second},
	}
	for _, n := range []int{0, 1, 2, 3, 5, 8, 13} {
		of := " after " + strconv.Itoa(n)
		faults["mute up"+of] = hostile.Fault{MuteUp: true, After: n}
		faults["mute down"+of] = hostile.Fault{MuteDown: true, After: n}
		faults["mute both ways"+of] = hostile.Fault{MuteUp: true, MuteDown: true, After: n}
		faults["reset"+of] = hostile.Fault{ResetAfter: 1 + 100*n}
	}
	for name, fault := range faults {
		for _, noAck := range []bool{false, true} {
			t.Run(name+", without ack "+strconv.FormatBool(noAck), func(t *testing.T) {
				onHostile(t, fault, &client.Options{NoAck: noAck}, func(s *stack, _ *hostile.Listener) {
					sub, err := s.c.Subscribe(s.Context(), "/a", nil)
					require.NoError(s, err)
					const events = 240
					for n := range events {
						require.NoError(s, s.server.Publish("/a", n))
						time.Sleep(500 * time.Millisecond)
					}
					time.Sleep(time.Minute)
					require.NoError(s, s.server.Publish("/a", events))
					r := reader{last: -1}
					for start := time.Now(); r.last < events; {
						// Without ack a network that swallows has gaps told for ever.
						data, err := next(s.T, sub, 3*time.Minute-time.Since(start))
						if errors.Is(err, context.DeadlineExceeded) && r.unknown {
							break // the last one is missing, and that was told
						}
						require.True(s, r.take(data, err), "%v", err)
					}
					require.Empty(s, r.silent, "lost, doubled or out of order without a word")
					if !noAck {
						require.Zero(s, r.missing)
						require.Equal(s, 1, s.c.Status().Session)
					}
				})
			})
		}
	}
}
