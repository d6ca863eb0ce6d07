package client_test

import (
	"context"
	"net/http"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/turold/turold/bayeux"
	"github.com/turold/turold/bayeux/bayeuxtest"
	"github.com/turold/turold/bayeux/bayeuxtest/memnet"
	"github.com/turold/turold/client"
	"github.com/turold/turold/fallback"
	"github.com/turold/turold/transport"
)

// These run the whole client, both real pipes included, on virtual time.

const (
	address = "server:80"
	site    = "http://" + address + "/cometd"
	latency = 20 * time.Millisecond // one way
)

var modes = []fallback.Mode{fallback.Auto, fallback.WebSocketFirst, fallback.WebSocketOnly, fallback.LongPollingOnly}

// A stack is a client and its server on a network in memory.
type stack struct {
	*testing.T
	net    *memnet.Network
	server *bayeuxtest.Running
	dialer *client.Dialer
	c      *client.Client
}

// onStack runs f in a bubble for each mode.
func onStack(t *testing.T, so *bayeuxtest.Options, co *client.Options, f func(*stack)) {
	t.Helper()
	onStackWith(t, so, func() *client.Options { return co }, f)
}

// onStackWith makes the client's options anew for each mode.
func onStackWith(t *testing.T, so *bayeuxtest.Options, co func() *client.Options, f func(*stack)) {
	t.Helper()
	for _, mode := range modes {
		t.Run(mode.String(), func(t *testing.T) { onMode(t, mode, so, co, f) })
	}
}

// onMode runs f in a bubble.
func onMode(t *testing.T, mode fallback.Mode, so *bayeuxtest.Options, co func() *client.Options, f func(*stack)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		s := &stack{T: t, net: memnet.New()}
		s.net.SetLatency(latency)
		s.serve(so)
		s.dialer = &client.Dialer{
			Policy:      fallback.Policy{Mode: mode},
			DialContext: s.net.DialContext,
			Proxy:       http.ProxyURL(nil),
		}
		defer s.close()
		var err error
		s.c, err = s.dialer.Dial(t.Context(), site, co())
		require.NoError(t, err)
		f(s)
	})
}

// auto reports whether the session may move between the transports.
func (s *stack) auto() bool { return s.dialer.Policy.Mode == fallback.Auto }

// close ends both, also after a test that failed half-way.
func (s *stack) close() {
	start := time.Now()
	s.dialer.Close()
	require.LessOrEqual(s, time.Since(start), 100*time.Millisecond)
	require.NoError(s, s.server.Close())
}

// serve starts a server that knows nothing of those before it.
func (s *stack) serve(o *bayeuxtest.Options) {
	l, err := s.net.Listen(address)
	require.NoError(s, err)
	s.server = bayeuxtest.Serve(l, "/cometd", bayeuxtest.New(o), nil)
}

// next returns the data of the next event, or what stands in its place.
func next(t *testing.T, sub *client.Subscription, within time.Duration) (string, error) {
	ctx, cancel := context.WithTimeout(t.Context(), within)
	defer cancel()
	m, err := client.Flat(sub.Next(ctx))
	return string(m.Data), err
}

func TestEventsAndPublishes(t *testing.T) {
	for name, so := range map[string]*bayeuxtest.Options{"CometD": {}, "without ack": {NoAck: true}, "Faye": {Profile: bayeuxtest.Faye}} {
		t.Run(name, func(t *testing.T) {
			onStack(t, so, nil, func(s *stack) {
				sub, err := s.c.Subscribe(s.Context(), "/a/*", nil)
				require.NoError(s, err)
				const count = 2000
				for n := range count {
					_, err := s.c.Send(s.Context(), client.Draft{Channel: "/a/b", Data: n})
					require.NoError(s, err)
				}
				require.NoError(s, s.c.Flush(s.Context()))
				var got, want []string
				for n := range count {
					m, err := client.Flat(sub.Next(s.Context()))
					require.NoError(s, err)
					got, want = append(got, string(m.Data)), append(want, strconv.Itoa(n))
				}
				if status := s.c.Status(); !status.Ack && status.Transport == transport.LongPolling {
					// Events come on two requests at a time, the publishes' own
					// among them: without ack there is no order between the two.
					require.ElementsMatch(s, want, got)
				} else {
					require.Equal(s, want, got)
				}
				require.NoError(s, s.c.Disconnect(s.Context()))
				require.Empty(s, s.server.Sessions())
			})
		})
	}
}

func TestCommandsTakeOneRoundTripWhileAConnectIsHeld(t *testing.T) {
	onStack(t, nil, nil, func(s *stack) {
		s.server.Handle("/service/double", func(_ *bayeuxtest.Session, m bayeux.Message) (any, error) {
			return m.Data, nil
		})
		time.Sleep(5 * time.Second) // a connect is held now
		require.NoError(s, s.c.Publish(s.Context(), "/warm", 1))
		for _, do := range []func() error{
			func() error { return s.c.Publish(s.Context(), "/a", 1) },
			func() error { _, err := s.c.Subscribe(s.Context(), "/a", nil); return err },
			func() error { _, err := s.c.Call(s.Context(), "double", 2); return err },
		} {
			start := time.Now()
			require.NoError(s, do())
			require.Equal(s, 2*latency, time.Since(start), "one round trip")
		}
	})
}

// TestServerIsKilledAndComesBack counts what an outage costs, and how long
// after its end events flow again.
func TestServerIsKilledAndComesBack(t *testing.T) {
	for _, outage := range []time.Duration{100 * time.Millisecond, 2 * time.Second, 10 * time.Second, 29 * time.Second} {
		t.Run(outage.String(), func(t *testing.T) {
			onStack(t, nil, nil, func(s *stack) {
				sub, err := s.c.Subscribe(s.Context(), "/a", nil)
				require.NoError(s, err)
				time.Sleep(7 * time.Second)
				dials := s.net.Dials(address)
				require.NoError(s, s.server.Close())
				time.Sleep(min(outage, 10*time.Second))
				require.LessOrEqual(s, s.net.Dials(address)-dials, 10, "attempts in the first 10 s")
				time.Sleep(max(outage-10*time.Second, 0))
				s.serve(nil)
				back := time.Now()
				for len(s.server.Sessions()) == 0 || len(s.server.Sessions()[0].Subscriptions()) == 0 {
					require.Less(s, time.Since(back), 3*time.Second, "%v", s.c.Status())
					time.Sleep(10 * time.Millisecond)
				}
				require.NoError(s, s.server.Publish("/a", "again"))
				_, err = next(s.T, sub, time.Second)
				var gap *client.GapError
				require.ErrorAs(s, err, &gap)
				require.Equal(s, client.GapNewSession, gap.Reason)
				data, err := next(s.T, sub, time.Second)
				require.NoError(s, err)
				require.Equal(s, `"again"`, data)
			})
		})
	}
}

// TestNothingIsLostWithAck cuts every connection again and again under a stream
// of events, and finds each once and in order.
func TestNothingIsLostWithAck(t *testing.T) {
	onStack(t, nil, nil, func(s *stack) {
		sub, err := s.c.Subscribe(s.Context(), "/a", nil)
		require.NoError(s, err)
		const count = 5000
		var publisher sync.WaitGroup
		defer publisher.Wait()
		cuts := 0
		publisher.Go(func() {
			for n := range count {
				_ = s.server.Publish("/a", n)
				time.Sleep(3 * time.Millisecond)
				// A reset in the middle of an upgrade is a refusal, after which a
				// session that was born on the WebSocket is begun anew.
				if n%117 == 116 && s.c.Status().State == client.StateConnected {
					cuts++
					s.net.Reset(address)
				}
			}
		})
		for n := range count {
			data, err := next(s.T, sub, time.Minute)
			require.NoError(s, err)
			require.Equal(s, strconv.Itoa(n), data)
		}
		publisher.Wait()
		require.Equal(s, 1, s.c.Status().Session)
		require.Greater(s, cuts, 5)
	})
}

func TestSessionThatWasForgotten(t *testing.T) {
	onStack(t, nil, nil, func(s *stack) {
		sub, err := s.c.Subscribe(s.Context(), "/a", nil)
		require.NoError(s, err)
		time.Sleep(time.Minute)
		s.server.Forget("")
		require.NoError(s, s.c.Ready(s.Context()))
		// The next message tells.
		_ = s.c.Publish(s.Context(), "/b", 1)
		_, err = next(s.T, sub, time.Minute)
		var gap *client.GapError
		require.ErrorAs(s, err, &gap)
		require.Equal(s, 2, s.c.Status().Session)
		time.Sleep(time.Second)
		require.NoError(s, s.server.Publish("/a", 1))
		data, err := next(s.T, sub, time.Second)
		require.NoError(s, err)
		require.Equal(s, "1", data)
	})
}

// TestNothingIsLostBehindTheGapOfANewSession publishes the moment the gap is
// told: whoever asks for the whole truth then must miss nothing that follows.
func TestNothingIsLostBehindTheGapOfANewSession(t *testing.T) {
	for name, so := range map[string]*bayeuxtest.Options{"ack": {}, "without ack": {NoAck: true}, "Faye": {Profile: bayeuxtest.Faye}} {
		t.Run(name, func(t *testing.T) {
			onStack(t, so, nil, func(s *stack) {
				sub, err := s.c.Subscribe(s.Context(), "/a", nil)
				require.NoError(s, err)
				local, err := s.c.Listen("/service/b", nil)
				require.NoError(s, err)
				for n := range 5 {
					time.Sleep(10 * time.Second)
					s.server.CutAll()
					s.server.Forget("")
					for {
						_, err := next(s.T, sub, time.Minute)
						var gap *client.GapError
						require.ErrorAs(s, err, &gap)
						if gap.Reason == client.GapNewSession {
							break
						}
					}
					require.NoError(s, s.server.Publish("/a", n))
					data, err := next(s.T, sub, time.Minute)
					require.NoError(s, err)
					require.Equal(s, strconv.Itoa(n), data)
				}
				_, err = next(s.T, local, time.Second)
				var gap *client.GapError
				require.ErrorAs(s, err, &gap, "what is not asked of the server has it as well")
			})
		})
	}
}
