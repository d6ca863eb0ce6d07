package client_test

import (
	"context"
	"errors"
	"math"
	"net/http"
	"runtime"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cenkalti/backoff/v4"
	"github.com/stretchr/testify/require"

	"github.com/turold/turold/bayeux/bayeuxtest/memnet"
	"github.com/turold/turold/client"
	"github.com/turold/turold/fallback"
	"github.com/turold/turold/transport"
)

// TestBackoffAtItsEdges: what a Backoff returns that is no ordinary pause means what
// its comment says, in an outage.
func TestBackoffAtItsEdges(t *testing.T) {
	const never, outage = 250 * 365 * 24 * time.Hour, 10 * time.Minute
	for _, tc := range []struct {
		name  string
		pause func(failures int) time.Duration
		ends  bool
		least time.Duration // between two tries, the second aside
	}{
		{"stop", func(int) time.Duration { return backoff.Stop }, true, 0},
		{"the least there is", func(int) time.Duration { return math.MinInt64 }, true, 0},
		{"stop after three", func(n int) time.Duration {
			return []time.Duration{time.Second, time.Second, time.Second, backoff.Stop}[n-1]
		}, true, time.Second},
		{"nothing", func(int) time.Duration { return 0 }, false, 100 * time.Millisecond},
		{"next to nothing", func(int) time.Duration { return 1 }, false, 100 * time.Millisecond},
		{"the most there is", func(int) time.Duration { return math.MaxInt64 }, false, never},
		{"ages", func(int) time.Duration { return never }, false, never},
	} {
		t.Run(tc.name, func(t *testing.T) {
			co := func(s *stack) *client.Options {
				return &client.Options{Backoff: func(n int, _ time.Duration) time.Duration {
					_ = s.c.Status() // no lock is held
					return tc.pause(n)
				}}
			}
			for _, mode := range []fallback.Mode{fallback.WebSocketOnly, fallback.LongPollingOnly} {
				onDialled(t, mode, co, func(s *stack) {
					time.Sleep(10 * time.Second)
					s.net.Refuse(address, true)
					s.net.Reset(address)
					begun, dials := time.Now(), s.net.Dials(address)
					if tc.ends {
						<-s.c.Done()
						require.LessOrEqual(s, time.Since(begun), 5*time.Second)
						require.ErrorAs(s, s.c.Err(), new(*client.OpError))
						require.ErrorAs(s, s.c.Err(), new(*transport.Error))
						return
					}
					time.Sleep(outage)
					require.LessOrEqual(s, s.net.Dials(address)-dials, 3+int(outage/tc.least))
					s.net.Refuse(address, false)
					for range 3 { // the server has forgotten the session, which costs a pause, too
						s.dialer.NetworkChanged()
						time.Sleep(time.Second)
					}
					require.Equal(s, client.StateConnected, s.c.Status().State)
				})
			}
		})
	}
}

// onDialled is onMode with options that know the stack.
func onDialled(t *testing.T, mode fallback.Mode, co func(*stack) *client.Options, f func(*stack)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		s := &stack{T: t, net: memnet.New()}
		s.serve(nil)
		s.dialer = &client.Dialer{Policy: fallback.Policy{Mode: mode}, DialContext: s.net.DialContext, Proxy: http.ProxyURL(nil)}
		defer s.close()
		var err error
		s.c, err = s.dialer.Dial(t.Context(), site, co(s))
		require.NoError(t, err)
		f(s)
	})
}

// TestCredentialsThatExpireAtOnce does not have the hook called again and again.
func TestCredentialsThatExpireAtOnce(t *testing.T) {
	for _, life := range []time.Duration{1, time.Millisecond, time.Second / 3} {
		asked := 0
		co := func(*stack) *client.Options {
			return &client.Options{Credentials: func(context.Context, *client.Credential) (*client.Credential, error) {
				asked++
				return &client.Credential{Expires: time.Now().Add(life)}, nil
			}}
		}
		onDialled(t, fallback.Auto, co, func(s *stack) {
			time.Sleep(time.Minute)
			synctest.Wait()
			require.LessOrEqual(t, asked, 61)
		})
	}
}

// TestDialWithAContextThatIsOver sends nothing.
func TestDialWithAContextThatIsOver(t *testing.T) {
	onDialled(t, fallback.Auto, func(*stack) *client.Options { return nil }, func(s *stack) {
		ctx, cancel := context.WithCancelCause(s.Context())
		cancel(errors.New("the caller's reason"))
		before := s.server.Stats().Handshakes
		for range 20 {
			_, err := s.dialer.Dial(ctx, site, nil)
			require.ErrorContains(t, err, "the caller's reason")
			require.ErrorAs(t, err, new(*client.OpError))
		}
		time.Sleep(time.Second)
		require.Equal(t, before, s.server.Stats().Handshakes)
		require.Equal(t, 1, s.dialer.Stats().Sessions)
	})
}

func heapNow() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// lives holds a session to what an application expects of it, through an outage of
// a minute, and counts what it costs in each minute.
func (s *stack) lives(sub *client.Subscription) {
	s.Helper()
	cost := func() int {
		n := s.server.Stats()
		return s.net.Dials(address) + n.Requests + n.Handshakes + n.Connects + n.Subscribes + n.Publishes
	}
	minute := func(most int, during func()) {
		s.Helper()
		before, end := cost(), time.Now().Add(time.Minute)
		during()
		time.Sleep(time.Until(end))
		require.LessOrEqual(s, cost()-before, most, "in a minute; %v", s.c.Status())
	}
	works := func() {
		s.Helper()
		for range 3 {
			require.NoError(s, s.server.Publish("/a", "an event"))
			data, err := next(s.T, sub, time.Second)
			require.NoError(s, err)
			require.Equal(s, `"an event"`, data)
			require.NoError(s, s.c.Publish(s.Context(), "/b", 1))
			time.Sleep(11 * time.Second)
		}
	}
	minute(60, works)
	minute(60, works)
	minute(2000, func() { // ten tries a second, by two transports
		s.net.Refuse(address, true)
		s.net.Reset(address)
	})
	s.net.Refuse(address, false)
	minute(100, func() {
		time.Sleep(30 * time.Second)
		err := error(new(client.GapError))
		for errors.As(err, new(*client.GapError)) {
			_, err = next(s.T, sub, time.Second)
		}
	})
	minute(60, works)
}
