package interop_test

import (
	"context"
	"flag"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/turold/turold/client"
	"github.com/turold/turold/interop/netfault"
	"github.com/turold/turold/interop/servers"
)

var (
	storm     = flag.Int("storm", 20_000, "how many events TestStorm has published")
	stormRate = flag.Int("storm.rate", 1000, "how many of them a second")
)

// TestStorm: two packets of a hundred are lost, and every two seconds every
// connection is reset. Nothing is lost, doubled or out of order. A million
// events: go test -run TestStorm -timeout 1h -v . -storm 1000000 -storm.rate 2000
func TestStorm(t *testing.T) {
	for _, kind := range []*servers.Kind{servers.CometD, servers.CometD7, servers.CometD5} {
		t.Run(kind.Name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t, kind, 0)
			is := netfault.Conditions{Loss: 0.02}
			s.Set(is, is)
			begun := time.Now()
			published := s.publish(*storm/len(channels), *stormRate/len(channels))
			resets, times := 0, 0
			every := time.NewTicker(2 * time.Second)
			defer every.Stop()
			for alive := true; alive; {
				select {
				case <-every.C:
					resets += s.Reset()
					times++
				case err := <-published:
					require.NoError(t, err)
					alive = false
				}
			}
			took := time.Since(begun)
			s.lossless(t)
			toFar, toNear := s.Counts()
			t.Logf("%d events in %v, to the last in %v; %d connections reset, at %d times; of %d packets %d lost",
				s.published*len(channels), took, time.Since(begun), resets, times, toFar.Passed+toNear.Passed, toFar.Lost+toNear.Lost)
			require.Positive(t, resets)
		})
	}
}

// TestFarAway: packets take 80 to 120 ms and overtake each other, one in twenty
// is lost, and some come twice. Nobody thinks the session dead.
func TestFarAway(t *testing.T) {
	t.Parallel()
	s := newSite(t, servers.CometD, 0)
	is := netfault.Conditions{Delay: 80 * time.Millisecond, Jitter: 40 * time.Millisecond, Loss: 0.05, Duplicate: 0.01}
	s.Set(is, is)
	begun := time.Now()
	require.NoError(t, <-s.publish(500, 25)) // 100 a second take 20 s
	s.lossless(t)
	toFar, toNear := s.Counts()
	t.Logf("the last event after %v; of %d packets %d were lost, %d came twice, %d were overtaken", time.Since(begun),
		toFar.Passed+toNear.Passed, toFar.Lost+toNear.Lost, toFar.Doubled+toNear.Doubled, toFar.Overtaken+toNear.Overtaken)
}

// TestSwallowedConnections: the connections that a session has fall silent, in
// one direction or both, and new ones would pass. It finds out by itself.
func TestSwallowedConnections(t *testing.T) {
	for _, way := range []struct {
		name          string
		toFar, toNear bool
	}{{"both ways", true, true}, {"to the server", true, false}, {"to the client", false, true}} {
		t.Run(way.name, func(t *testing.T) {
			t.Parallel()
			// Where the poll alone is dead and a command passes, the lease that the poll
			// asked for is over with the command's answer: the server's own life counts.
			s := newSite(t, servers.CometD, 0, "maxInterval=40000")
			time.Sleep(2 * time.Second) // what a session does after its start is over
			require.GreaterOrEqual(t, s.Swallow(way.toFar, way.toNear), len(modes))
			begun := time.Now()
			require.NoError(t, <-s.publish(1, 0))
			var answered sync.WaitGroup
			for _, m := range s.members {
				answered.Go(func() {
					got := m.arrived(t, s.published)
					r, err := m.Send(t.Context(), client.Draft{Channel: "/up/a", Data: number{1}, AtLeastOnce: true})
					if assert.NoError(t, err) && assert.NoError(t, r.Wait(limit(t, 2*time.Minute)), m.mode) {
						t.Logf("%v: the event came after %v, a publish was answered after %v", m.mode, got.Sub(begun), time.Since(begun))
					}
				})
			}
			answered.Wait()
			require.NoError(t, <-s.publish(10, 10))
			s.lossless(t)
		})
	}
}

// TestNoConnectionOpens: every connection is reset, and for 15 s none can be
// opened, silently. Nothing hangs that has a time, and afterwards it is the same
// session.
func TestNoConnectionOpens(t *testing.T) {
	t.Parallel()
	const hole = 15 * time.Second
	s := newSite(t, servers.CometD, 0)
	begun, opened := time.Now(), s.Opened()
	s.Set(netfault.Conditions{NoOpening: true}, netfault.Conditions{})
	s.Reset()
	d := &client.Dialer{Proxy: http.ProxyURL(nil), DialContext: s.Near.DialContext}
	t.Cleanup(func() { _ = d.Close() })
	_, err := d.Dial(limit(t, 2*time.Second), s.server.URL(), nil)
	require.ErrorIs(t, err, context.DeadlineExceeded)
	t.Logf("a dial with a time of 2 s ends after %v", time.Since(begun))
	go func() {
		time.Sleep(time.Second)
		d.Close()
	}()
	closing := time.Now()
	_, err = d.Dial(limit(t, time.Minute), s.server.URL(), &client.Options{KeepDialing: true})
	require.ErrorIs(t, err, client.ErrClosed)
	t.Logf("a dial whose dialer is closed after a second ends after %v", time.Since(closing))
	time.Sleep(time.Until(begun.Add(hole)))
	attempts := s.Opened() - opened
	s.Set(netfault.Conditions{}, netfault.Conditions{})
	healed := time.Now()
	require.NoError(t, <-s.publish(1, 0))
	for _, m := range s.members {
		t.Logf("%v: the event came %v after connections open again", m.mode, m.arrived(t, s.published).Sub(healed))
	}
	t.Logf("%d attempts in %v", attempts, hole)
	require.LessOrEqual(t, attempts, 10*(len(s.members)+2))
	s.lossless(t)
}

// TestSilence: for 20 s no packet passes, of any connection. Nobody is told when
// they pass again, and it is the same session.
func TestSilence(t *testing.T) {
	t.Parallel()
	s := newSite(t, servers.CometD, 0)
	is := netfault.Conditions{Silent: true}
	s.Set(is, is)
	require.NoError(t, <-s.publish(10, 1))
	time.Sleep(10 * time.Second)
	s.Set(netfault.Conditions{}, netfault.Conditions{})
	healed := time.Now()
	for _, m := range s.members {
		t.Logf("%v: all events came %v after packets pass again", m.mode, m.arrived(t, s.published).Sub(healed))
	}
	s.lossless(t)
}
