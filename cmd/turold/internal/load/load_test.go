package load

import (
	"context"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/turold/turold/bayeux"
	"github.com/turold/turold/bayeux/bayeuxtest"
	"github.com/turold/turold/bayeux/bayeuxtest/memnet"
	"github.com/turold/turold/client"
	"github.com/turold/turold/fallback"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	address = "server:80"
	oneWay  = 20 * time.Millisecond
	second  = time.Second
)

// A lab is a server on a network in memory.
type lab struct {
	net    *memnet.Network
	server *bayeuxtest.Running
}

// inLab runs f in a bubble: time is virtual, and all figures are exact.
func inLab(t *testing.T, o *bayeuxtest.Options, f func(*testing.T, *lab)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		l := &lab{net: memnet.New()}
		l.net.SetLatency(oneWay)
		listener, err := l.net.Listen(address)
		require.NoError(t, err)
		l.server = bayeuxtest.Serve(listener, "/cometd", bayeuxtest.New(o), nil)
		defer l.server.Close()
		f(t, l)
	})
}

// plan is a small one, changed by f.
func (l *lab) plan(mode fallback.Mode, f func(*Plan)) *Plan {
	p := &Plan{
		URL:      "http://" + address + "/cometd",
		Dialer:   &client.Dialer{Policy: fallback.Policy{Mode: mode}, DialContext: l.net.DialContext, Proxy: http.ProxyURL(nil)},
		Sessions: 6, Ramp: second, Channels: 3, Subscriptions: 2, Publishers: 4, Rate: 40, Batch: 1, Size: 150,
		Warmup: 2 * second, Duration: 5 * second, Drain: 5 * second,
	}
	if f != nil {
		f(p)
	}
	return p
}

// withoutAck: with it an event may have to wait for the next connect.
func withoutAck(p *Plan) { p.Options = &client.Options{NoAck: true} }

// run does a whole test, goodbyes included.
func run(t *testing.T, ctx context.Context, p *Plan) (*Report, error) {
	t.Helper()
	require.NoError(t, p.Validate())
	test := New(p)
	defer test.Close()
	return test.Run(ctx)
}

// TestEverythingIsAccountedFor: 40 messages a second for 5 s and 2 s of
// warm-up, each for four subscriptions.
func TestEverythingIsAccountedFor(t *testing.T) {
	for _, mode := range []fallback.Mode{fallback.Auto, fallback.WebSocketFirst, fallback.WebSocketOnly, fallback.LongPollingOnly} {
		for _, batch := range []int{1, 5} {
			inLab(t, nil, func(t *testing.T, l *lab) {
				r, err := run(t, t.Context(), l.plan(mode, func(p *Plan) { p.Batch = batch }))
				require.NoError(t, err)
				require.Empty(t, r.Errors)
				require.NoError(t, r.First())
				require.Equal(t, Outgoing{Sent: 280, Taken: 280, Asked: 40, PerSecond: 40}, r.Published)
				d := r.Delivered
				require.InDelta(t, 160, d.PerSecond, 8)
				d.PerSecond = 0
				require.Equal(t, Incoming{Expected: 1120, Received: 1120}, d)
				require.EqualValues(t, 800, r.Latency.Count)
				require.EqualValues(t, 200, r.Answers.Count)
				require.LessOrEqual(t, r.Behind.Max, 0.001)
				require.GreaterOrEqual(t, r.Latency.P50, 40.0)
				require.Equal(t, 6, r.Sessions.Up)
				require.LessOrEqual(t, r.Latency.Max, 250.0)
				require.Empty(t, l.server.Sessions(), "all say goodbye")
			})
		}
	}
}

// TestAStallDoesNotHide: a network that holds everything back for 2 s delays
// those messages too that were to leave meanwhile, though a publisher that has
// five under way waits before it hands the next over.
func TestAStallDoesNotHide(t *testing.T) {
	inLab(t, nil, func(t *testing.T, l *lab) {
		time.AfterFunc(second+4*second, func() { l.net.Stall(address, true, true) })
		time.AfterFunc(second+6*second, func() { l.net.Stall(address, false, false) })
		r, err := run(t, t.Context(), l.plan(fallback.WebSocketOnly, func(p *Plan) {
			withoutAck(p)
			p.Options.Outbox.Messages = 5
		}))
		require.NoError(t, err)
		require.Equal(t, 0, r.Delivered.Lost)
		require.Equal(t, map[string]int{"websocket": 6}, r.Sessions.Transports)
		require.InDelta(t, 40, r.Latency.P50, 0.1, "there and back")
		require.InDelta(t, 2000, r.Latency.Max, 100)
		require.EqualValues(t, 800, r.Latency.Count)
		require.Greater(t, at(r.Latency.h, 75), 600.0, "40 % of the messages met the stall, evenly")
		require.Greater(t, r.Behind.Max, 1000.0)
	})
}

// TestLossesAreFound: a server that leaves out and doubles events.
func TestLossesAreFound(t *testing.T) {
	var events atomic.Int64
	spoil := func(ms []bayeux.Message, body []byte) []byte {
		if len(ms) != 1 || !strings.HasPrefix(string(ms[0].Channel), "/turold/") || ms[0].Data == nil {
			return body
		}
		switch events.Add(1) {
		case 10, 20:
			return nil
		case 30:
			one := strings.TrimSuffix(strings.TrimPrefix(string(body), "["), "]")
			return []byte("[" + one + "," + one + "]")
		}
		return body
	}
	inLab(t, &bayeuxtest.Options{NoAck: true, Rewrite: spoil}, func(t *testing.T, l *lab) {
		r, err := run(t, t.Context(), l.plan(fallback.WebSocketOnly, func(p *Plan) { p.Sessions, p.Publishers = 3, 1 }))
		require.NoError(t, err)
		require.Equal(t, 2, r.Delivered.Lost)
		require.Equal(t, 2, r.Delivered.Untold)
		require.EqualValues(t, 1, r.Delivered.Doubled)
		require.EqualValues(t, 0, r.Delivered.OutOfOrder)
	})
}

// TestTheEndOfTheContextEndsIt in the middle: nothing is published from then
// on, what was measured is told, and everybody says goodbye.
func TestTheEndOfTheContextEndsIt(t *testing.T) {
	for _, after := range []time.Duration{second / 2, 2 * second, 5 * second, 9 * second} { // in the ramp, the warm-up, the time measured, the drain
		inLab(t, nil, func(t *testing.T, l *lab) {
			if after == 9*second {
				time.AfterFunc(7*second, func() { l.net.Stall(address, true, true) })
			}
			ctx, cancel := context.WithCancel(t.Context())
			time.AfterFunc(after, cancel)
			test, begin := New(l.plan(fallback.Auto, nil)), time.Now()
			r, err := test.Run(ctx)
			require.LessOrEqual(t, time.Since(begin), after+hurry)
			require.NoError(t, err)
			require.True(t, r.Interrupted)
			l.net.Stall(address, false, false)
			time.Sleep(second)
			require.EqualValues(t, r.Published.Sent, l.server.Stats().Publishes)
			test.Close()
			require.Empty(t, l.server.Sessions())
		})
	}
}

// TestCloseIsBounded: the server does not answer any more.
func TestCloseIsBounded(t *testing.T) {
	inLab(t, nil, func(t *testing.T, l *lab) {
		test := New(l.plan(fallback.Auto, nil))
		_, err := test.Run(t.Context())
		require.NoError(t, err)
		l.net.Stall(address, true, true)
		begin := time.Now()
		test.Close()
		require.LessOrEqual(t, time.Since(begin), Goodbye+second)
		l.net.Stall(address, false, false)
	})
}
