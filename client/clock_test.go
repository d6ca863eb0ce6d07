package client_test

import (
	"context"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/turold/turold/bayeux/bayeuxtest"
	"github.com/turold/turold/client"
	"github.com/turold/turold/transport"
)

// A wallClock goes with the bubble's time until it is set.
type wallClock struct{ ahead atomic.Int64 }

func (w *wallClock) set(d *client.Dialer) {
	d.SetWall(func() time.Time { return time.Now().Round(0).Add(time.Duration(w.ahead.Load())) })
}

func (w *wallClock) jump(d time.Duration) { w.ahead.Add(int64(d)) }

// TestSleepIsNoticed: the machine slept, and its connections are dead by now.
// By its timers alone the session would find out 20 s (a ping) or 30 s (the
// poll's deadline) after it woke up.
func TestSleepIsNoticed(t *testing.T) {
	for name, jump := range map[string]time.Duration{"slept for an hour": time.Hour, "set back by an hour": -time.Hour} {
		t.Run(name, func(t *testing.T) {
			onStack(t, nil, nil, func(s *stack) {
				time.Sleep(5 * time.Second)
				if jump < 0 && s.c.Status().Transport == transport.LongPolling {
					return // a poll cannot be asked, and its time has not passed
				}
				var clock wallClock
				clock.set(s.dialer)
				sub, err := s.c.Subscribe(s.Context(), "/a", nil)
				require.NoError(s, err)
				time.Sleep(time.Minute + time.Second)
				s.net.Stall(address, true, true)
				clock.jump(jump)
				start := time.Now()
				for s.c.Status().State == client.StateConnected {
					time.Sleep(100 * time.Millisecond)
					require.Less(s, time.Since(start), time.Minute)
				}
				limit := 9 * time.Second
				if s.auto() { // the dead socket is found out in time, and then HTTP is asked, which has its own
					limit += 10 * time.Second
				}
				require.LessOrEqual(s, time.Since(start), limit)
				s.net.Stall(address, false, false)
				time.Sleep(15 * time.Second)
				require.Equal(s, client.StateConnected, s.c.Status().State)
				require.NoError(s, s.server.Publish("/a", 1))
				_, err = next(s.T, sub, time.Second)
				require.NoError(s, err, "with ack nothing was lost")
			})
		})
	}
}

// TestClockThatIsSetHarmsNobody: what lives stays as it is.
func TestClockThatIsSetHarmsNobody(t *testing.T) {
	onStack(t, &bayeuxtest.Options{NoAck: true}, nil, func(s *stack) {
		var clock wallClock
		clock.set(s.dialer)
		sub, err := s.c.Subscribe(s.Context(), "/a", nil)
		require.NoError(s, err)
		time.Sleep(time.Minute)
		for _, jump := range []time.Duration{-24 * time.Hour, 3 * time.Second, -3 * time.Second, time.Second} {
			clock.jump(jump)
			time.Sleep(time.Minute)
		}
		require.Zero(s, s.dialer.Stats().Failures)
		require.NoError(s, s.server.Publish("/a", 1))
		_, err = next(s.T, sub, time.Second)
		require.NoError(s, err, "no gap either")
	})
}

// TestPauseEndsWithTheSleep: who waits after a failure tries at once.
func TestPauseEndsWithTheSleep(t *testing.T) {
	onStack(t, nil, &client.Options{Backoff: func(int, time.Duration) time.Duration { return 10 * time.Minute }}, func(s *stack) {
		var clock wallClock
		clock.set(s.dialer)
		time.Sleep(time.Second)
		s.net.Refuse(address, true)
		s.net.Reset(address)
		time.Sleep(time.Second)
		s.net.Refuse(address, false)
		require.Equal(s, client.StateWaiting, s.c.Status().State)
		clock.jump(time.Hour)
		time.Sleep(6 * time.Second)
		require.Equal(s, client.StateConnected, s.c.Status().State)
	})
}

// TestCredentialIsRenewedBeforeItExpires.
func TestCredentialIsRenewedBeforeItExpires(t *testing.T) {
	var asked atomic.Int64
	co := func() *client.Options {
		asked.Store(0)
		return &client.Options{Credentials: func(context.Context, *client.Credential) (*client.Credential, error) {
			asked.Add(1)
			return &client.Credential{Header: http.Header{"X-A": {"b"}}, Expires: time.Now().Add(2 * time.Hour)}, nil
		}}
	}
	onStackWith(t, nil, co, func(s *stack) {
		time.Sleep(time.Hour)
		require.EqualValues(s, 1, asked.Load())
		time.Sleep(time.Hour)
		require.EqualValues(s, 2, asked.Load())
	})
}
