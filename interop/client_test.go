package interop_test

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"path"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/turold/turold/bayeux"
	"github.com/turold/turold/client"
	"github.com/turold/turold/fallback"
	"github.com/turold/turold/interop/servers"
)

var (
	kinds = []*servers.Kind{servers.CometD, servers.Faye}
	modes = []fallback.Mode{fallback.Auto, fallback.WebSocketOnly, fallback.LongPollingOnly}
)

// onEach runs f against each server on each transport.
func onEach(t *testing.T, f func(t *testing.T, s *servers.Server, c *client.Client), options ...string) {
	for _, kind := range kinds {
		t.Run(kind.Name, func(t *testing.T) {
			s := start(t, kind, options...)
			for _, mode := range modes {
				t.Run(mode.String(), func(t *testing.T) { f(t, s, dial(t, s.URL(), mode)) })
			}
		})
	}
}

func dial(t *testing.T, url string, mode fallback.Mode) *client.Client {
	t.Helper()
	d := &client.Dialer{Policy: fallback.Policy{Mode: mode}, Logger: logger(t)}
	t.Cleanup(func() { _ = d.Close() })
	c, err := d.Dial(t.Context(), url, nil)
	require.NoError(t, err)
	require.NoError(t, c.Ready(limit(t, time.Minute)))
	if mode != fallback.Auto { // which moves while the test runs
		require.Equal(t, mode.String(), c.Status().Transport)
	}
	return c
}

// logger shows the log with a test that failed.
func logger(t *testing.T) *slog.Logger {
	return slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelDebug}))
}

func limit(t *testing.T, d time.Duration) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), d)
	t.Cleanup(cancel)
	return ctx
}

// A number is the data of a counted event.
type number struct {
	N int `json:"n"`
}

// pull returns the numbers of the next count events.
func pull(t *testing.T, sub *client.Subscription, count int) (got []int) {
	t.Helper()
	for item, err := range client.Values[number](sub.Messages(limit(t, 3*time.Minute))) {
		require.NoError(t, err, "after %d events", len(got))
		n, ok := item.Value()
		require.True(t, ok, "%v after %d events", item, len(got))
		if got = append(got, n.N); len(got) == count {
			break
		}
	}
	return got
}

func upTo(count int) (all []int) {
	for n := range count {
		all = append(all, n)
	}
	return all
}

func TestSession(t *testing.T) {
	onEach(t, func(t *testing.T, s *servers.Server, c *client.Client) {
		ctx := limit(t, time.Minute)
		require.Equal(t, s.Kind.Ack, c.Status().Ack)
		plain, err := c.Subscribe(ctx, "/lab/a", nil)
		require.NoError(t, err)
		wild, err := c.Subscribe(ctx, "/lab/**", nil)
		require.NoError(t, err)
		require.NoError(t, s.Publish("/lab/a", 0, 1, 0))
		require.Equal(t, []int{0}, pull(t, plain, 1))
		require.Equal(t, []int{0}, pull(t, wild, 1))

		require.NoError(t, c.Publish(ctx, "/lab/b", number{7}))
		require.Equal(t, []int{7}, pull(t, wild, 1), "its own, by the pattern")

		err = c.Publish(ctx, "/deny/a", 1)
		var refused *bayeux.Error
		require.ErrorAs(t, err, &refused)
		_, err = c.Subscribe(ctx, "/deny/a", nil)
		require.ErrorAs(t, err, &refused)

		if s.Kind.Call {
			reply, err := c.Call(ctx, "echo", map[string]string{"a": "x"})
			require.NoError(t, err)
			require.JSONEq(t, `{"a":"x"}`, string(reply.Data))
		}

		require.NoError(t, wild.Unsubscribe(ctx))
		require.NoError(t, c.Disconnect(ctx))
		left, err := s.Sessions()
		require.NoError(t, err)
		require.Empty(t, left)
	})
}

func TestTenThousandEvents(t *testing.T) {
	const count = 10_000
	onEach(t, func(t *testing.T, s *servers.Server, c *client.Client) {
		sub, err := c.Subscribe(limit(t, time.Minute), "/lab/a", nil)
		require.NoError(t, err)
		start := time.Now()
		published := make(chan error, 1)
		go func() { published <- s.Publish("/lab/a", 0, count, 0) }()
		require.Equal(t, upTo(count), pull(t, sub, count))
		require.NoError(t, <-published)
		t.Logf("%d events in %v", count, time.Since(start))
	})
}

func TestTenThousandSends(t *testing.T) {
	const count = 10_000
	onEach(t, func(t *testing.T, s *servers.Server, c *client.Client) {
		ch := bayeux.Channel("/up/" + path.Base(t.Name())) // one a mode
		ctx := limit(t, 3*time.Minute)
		start := time.Now()
		receipts := make([]*client.Receipt, count)
		for n := range count {
			r, err := c.Send(ctx, client.Draft{Channel: ch, Data: number{n}})
			require.NoError(t, err)
			receipts[n] = r
		}
		require.NoError(t, c.Flush(ctx))
		t.Logf("%d publishes in %v", count, time.Since(start))
		for _, r := range receipts {
			require.NoError(t, r.Wait(ctx))
		}
		taken, err := s.Received(string(ch))
		require.NoError(t, err)
		var got []int
		for _, raw := range taken {
			var n number
			require.NoError(t, json.Unmarshal(raw, &n))
			got = append(got, n.N)
		}
		require.Equal(t, upTo(count), got)
	})
}

func TestSessionExpires(t *testing.T) {
	onEach(t, func(t *testing.T, s *servers.Server, c *client.Client) {
		sub, err := c.Subscribe(limit(t, time.Minute), "/lab/a", nil)
		require.NoError(t, err)
		_, err = s.Forget()
		require.NoError(t, err)
		newSession(t, sub)
		subscribed(t, s, 1)
		require.NoError(t, s.Publish("/lab/a", 5, 1, 0))
		require.Equal(t, []int{5}, pull(t, sub, 1))
		require.Equal(t, 2, c.Status().Session)
	}, "timeout=3000")
}

// newSession waits for the gap that a new session makes. Without ack the
// connection that was lost before it makes one too.
func newSession(t *testing.T, sub *client.Subscription) {
	t.Helper()
	for {
		item, err := sub.Next(limit(t, time.Minute))
		require.NoError(t, err)
		gap := item.Gap()
		require.NotNil(t, gap)
		if gap.Reason == client.GapNewSession {
			return
		}
	}
}

// subscribed waits until so many sessions with a subscription are at the
// server. There may be others, whose handshakes were answered too late.
func subscribed(t *testing.T, s *servers.Server, sessions int) {
	t.Helper()
	require.Eventually(t, func() bool {
		all, err := s.Sessions()
		all = slices.DeleteFunc(all, func(one servers.Session) bool { return len(one.Subscriptions) == 0 })
		return err == nil && len(all) == sessions
	}, time.Minute, 10*time.Millisecond)
}

// TestServerIsKilled counts what a session costs a server that is away, and
// measures how long after its return the events flow again.
func TestServerIsKilled(t *testing.T) {
	for _, kind := range kinds {
		for _, mode := range modes {
			t.Run(kind.Name+" "+mode.String(), func(t *testing.T) {
				t.Parallel()
				s := start(t, kind)
				c := dial(t, s.URL(), mode)
				sub, err := c.Subscribe(limit(t, time.Minute), "/lab/a", nil)
				require.NoError(t, err)
				s.Kill()
				dead := time.Now()
				count, err := s.Count()
				require.NoError(t, err)
				time.Sleep(time.Until(dead.Add(12 * time.Second)))
				tries := 0
				for _, at := range count.Connections() {
					if at.Sub(dead) < 10*time.Second {
						tries++
					}
				}
				count.Close()
				require.LessOrEqual(t, tries, 10)
				require.NotZero(t, tries)
				require.NoError(t, s.Restart())
				back := time.Now()
				subscribed(t, s, 1)
				t.Logf("%d attempts in 10 s; subscribed again %v after the server listened", tries, time.Since(back))
				require.NoError(t, s.Publish("/lab/a", 1, 1, 0))
				newSession(t, sub)
				require.Equal(t, []int{1}, pull(t, sub, 1))
			})
		}
	}
}

// TestNoWebSocket: where a server has none the session polls, by itself.
func TestNoWebSocket(t *testing.T) {
	for _, kind := range kinds {
		t.Run(kind.Name, func(t *testing.T) {
			s := start(t, kind, "ws=false")
			d := new(client.Dialer)
			t.Cleanup(func() { _ = d.Close() })
			c, err := d.Dial(limit(t, time.Minute), s.URL(), nil)
			require.NoError(t, err)
			require.Equal(t, "long-polling", c.Status().Transport)
			require.NoError(t, c.Publish(limit(t, time.Minute), "/lab/a", 1))
		})
	}
}

// TestNothingIsLostWhenTheNetworkIsCut cuts every connection under a stream of
// events. With ack each arrives, in order and once.
func TestNothingIsLostWhenTheNetworkIsCut(t *testing.T) {
	const count, rate = 3000, 500
	for _, mode := range modes {
		t.Run(mode.String(), func(t *testing.T) {
			s := start(t, servers.CometD)
			r, err := s.NewRelay()
			require.NoError(t, err)
			t.Cleanup(r.Close)
			c := dial(t, s.URLVia(r.Addr()), mode)
			sub, err := c.Subscribe(limit(t, time.Minute), "/lab/a", nil)
			require.NoError(t, err)
			done := make(chan error, 1)
			go func() { done <- s.Publish("/lab/a", 0, count, rate) }()
			stop := make(chan struct{})
			cutter := make(chan int)
			go func() {
				cuts := 0
				for {
					select {
					case <-stop:
						cutter <- cuts
						return
					case <-time.After(400 * time.Millisecond):
					}
					if c.Status().State == client.StateConnected {
						r.Cut()
						r.Mend()
						cuts++
					}
				}
			}()
			got := pull(t, sub, count)
			close(stop)
			t.Logf("%d cuts", <-cutter)
			require.NoError(t, errors.Join(<-done))
			require.Equal(t, upTo(count), got)
			require.Equal(t, 1, c.Status().Session)
		})
	}
}
