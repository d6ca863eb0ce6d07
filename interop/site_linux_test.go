package interop_test

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/turold/turold/bayeux"
	"github.com/turold/turold/client"
	"github.com/turold/turold/fallback"
	"github.com/turold/turold/interop/netfault"
	"github.com/turold/turold/interop/servers"
	"github.com/turold/turold/transport"
)

// channels are those that are published on at a site, each counted by itself.
var channels = []bayeux.Channel{"/lab/a", "/lab/b", "/lab/c", "/lab/d"}

// A site is a CometD server on the far host of a bad network, and on the near
// one a session of each mode that is subscribed to all channels.
type site struct {
	*netfault.Net
	server    *servers.Server
	members   []*member
	published int // on each channel
}

// A member is a session at a site, and what it saw.
type member struct {
	*client.Client
	mode   fallback.Mode
	dialer *client.Dialer
	sub    *client.Subscription
	done   chan struct{} // closed when nothing more is counted

	writes atomic.Int64 // to connections: about one for each request, frame and ping

	mu     sync.Mutex
	seen   tally
	latest time.Time // when something was counted
}

// newSite starts a server and a session of each mode on a network without
// faults. The server is asked for a lease; 0 is the client's own.
func newSite(t *testing.T, kind *servers.Kind, lease time.Duration, options ...string) *site {
	t.Helper()
	n, err := netfault.New()
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, n.Close()) })
	s := &site{Net: n}
	s.server, err = kind.StartOn(n.Far, options...)
	require.NoError(t, err)
	t.Cleanup(func() {
		s.server.Stop()
		if t.Failed() {
			t.Logf("%s printed:\n%s", kind.Name, s.server.Log())
		}
	})
	for _, mode := range modes {
		s.join(t, mode, lease)
	}
	for _, m := range s.members {
		if m.mode == fallback.Auto {
			require.Eventually(t, func() bool { return m.Status().Transport == "websocket" }, time.Minute, time.Millisecond)
		}
	}
	return s
}

// join adds a session and begins to count what it gets.
func (s *site) join(t *testing.T, mode fallback.Mode, lease time.Duration) {
	t.Helper()
	m := &member{mode: mode, done: make(chan struct{})}
	m.dialer = &client.Dialer{
		Policy: fallback.Policy{Mode: mode}, Proxy: http.ProxyURL(nil),
		DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			c, err := s.Near.DialBy(ctx, new(transport.SharedConfig).Dial, network, address) // as the client does by itself
			return &counted{c, &m.writes}, err
		},
		Logger: slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelInfo})).With("mode", mode),
	}
	t.Cleanup(func() { _ = m.dialer.Close() })
	var err error
	m.Client, err = m.dialer.Dial(limit(t, time.Minute), s.server.URL(), &client.Options{Lease: lease, KeepDialing: true})
	require.NoError(t, err)
	m.sub, err = m.Subscribe(limit(t, time.Minute), "/lab/*", &client.SubscribeOptions{Queue: client.Bound{Messages: 1 << 20, Bytes: 1 << 30}})
	require.NoError(t, err)
	go m.count()
	s.members = append(s.members, m)
}

// A counted counts what is written.
type counted struct {
	net.Conn
	writes *atomic.Int64
}

func (c *counted) Write(b []byte) (int, error) {
	c.writes.Add(1)
	return c.Conn.Write(b)
}

// count counts until the session is closed.
func (m *member) count() {
	defer close(m.done)
	for item, err := range m.sub.Messages(context.Background()) {
		var n number
		e, ok := item.Value()
		if err = cmp.Or(err, item.Problem()); ok {
			err = json.Unmarshal(e.Data, &n)
		}
		m.mu.Lock()
		m.seen.add(e.Channel, n.N, err)
		m.latest = time.Now()
		m.mu.Unlock()
	}
}

// look reads the tally.
func (m *member) look(at func(*tally)) {
	m.mu.Lock()
	defer m.mu.Unlock()
	at(&m.seen)
}

// publish has the server publish count events on each channel, in the
// background; rate is that of one channel. The error comes when it is done.
func (s *site) publish(count, rate int) (done <-chan error) {
	from := s.published
	s.published += count
	failed := make([]error, len(channels))
	var all sync.WaitGroup
	for i, c := range channels {
		all.Go(func() { failed[i] = s.publishOn(c, from, count, rate) })
	}
	ended := make(chan error, 1)
	go func() {
		all.Wait()
		ended <- errors.Join(failed...)
	}()
	return ended
}

// publishOn gives a command that takes a minute at most, again and again.
func (s *site) publishOn(channel bayeux.Channel, from, count, rate int) error {
	portion := count
	if rate > 0 {
		portion = 60 * rate
	}
	for end := from + count; from < end; from += portion {
		if err := s.server.Publish(string(channel), from, min(portion, end-from), rate); err != nil {
			return fmt.Errorf("%s: %w", channel, err)
		}
	}
	return nil
}

// written is how often the sessions wrote something.
func (s *site) written() (sum int) {
	for _, m := range s.members {
		sum += int(m.writes.Load())
	}
	return sum
}

// arrived waits until the session got the last of so many events on each
// channel, and returns when that was. It gives up when nothing comes for long.
func (m *member) arrived(t *testing.T, count int) (at time.Time) {
	t.Helper()
	for had, since, all := 0, time.Now(), false; !all; time.Sleep(time.Millisecond) {
		m.look(func(y *tally) {
			if all, at = y.reached(count-1, channels...), m.latest; y.events > had {
				had, since = y.events, time.Now()
			}
			require.Less(t, time.Since(since), 90*time.Second, "%v stands still: %v, %v", m.mode, m.Status(), y)
		})
	}
	return at
}

// lossless requires that everything arrived, in order and once, in the first session.
func (s *site) lossless(t *testing.T) {
	t.Helper()
	for _, m := range s.members {
		m.arrived(t, s.published)
		m.look(func(y *tally) {
			t.Logf("%v: %v; %d pauses after failures", m.mode, y, m.dialer.Stats().Failures)
			require.Zero(t, y.doubled+y.reordered+y.lost(), m.mode)
			require.Equal(t, s.published*len(channels), y.events, m.mode)
			require.Empty(t, y.gaps, m.mode)
		})
		require.Equal(t, 1, m.Status().Session, m.mode)
		require.EqualValues(t, 1, m.dialer.Stats().Handshakes, m.mode)
	}
}
