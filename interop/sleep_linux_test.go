package interop_test

import (
	"context"
	"encoding/json"
	"io"
	"os"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/turold/turold/bayeux"
	"github.com/turold/turold/client"
	"github.com/turold/turold/fallback"
	"github.com/turold/turold/interop/servers"
)

func init() { jobs["subscribe"] = subscribeJob }

// A heard is what one of a child's sessions tells: an event or a gap.
type heard struct {
	Mode fallback.Mode
	N    int
	Gap  string `json:",omitempty"`
}

// subscribeJob subscribes a session of each mode to a channel, says what they
// get, and leaves when its standard input ends: subscribe URL CHANNEL LEASE.
func subscribeJob(args []string) error {
	lease, err := time.ParseDuration(args[2])
	if err != nil {
		return err
	}
	for _, mode := range modes {
		d := &client.Dialer{Policy: fallback.Policy{Mode: mode}}
		defer d.Close()
		c, err := d.Dial(context.Background(), args[0], &client.Options{Lease: lease, KeepDialing: true})
		if err != nil {
			return err
		}
		sub, err := c.Subscribe(context.Background(), bayeux.Channel(args[1]), nil)
		if err != nil {
			return err
		}
		go tell(mode, sub)
	}
	_, err = io.Copy(io.Discard, os.Stdin)
	return err
}

func tell(mode fallback.Mode, sub *client.Subscription) {
	for item := range sub.Messages(context.Background()) {
		var n number
		if gap := item.Gap(); gap != nil {
			say(heard{Mode: mode, Gap: string(gap.Reason)})
		} else if m, ok := item.Value(); ok && json.Unmarshal(m.Data, &n) == nil {
			say(heard{Mode: mode, N: n.N})
		}
	}
}

// TestClientSleeps stops a client's process for longer than its sessions live
// at the server, or not, while events are published. It is live again at once,
// has each event, or is told of the gap once.
func TestClientSleeps(t *testing.T) {
	const sleep = 20 * time.Second
	for _, row := range []struct {
		name    string
		lease   string
		gaps    []client.GapReason
		options []string
	}{
		{name: "the session lives", lease: "60s"},
		{name: "the session expires", lease: "-1s", gaps: []client.GapReason{client.GapNewSession}, options: []string{"timeout=3000", "maxInterval=2000"}},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			s := start(t, servers.CometD, row.options...)
			const channel = "/lab/a"
			c := bear(t, "subscribe", s.URL(), channel, row.lease)
			subscribed(t, s, len(modes))
			tallies := map[fallback.Mode]*tally{}
			for _, mode := range modes {
				tallies[mode] = new(tally)
			}
			// hear has every session get so many events, and says when each had them.
			hear := func(count int) map[fallback.Mode]time.Time {
				at := map[fallback.Mode]time.Time{}
				for len(at) < len(modes) {
					var h heard
					c.hear(t, &h)
					y := tallies[h.Mode]
					if h.Gap != "" {
						y.add(channel, 0, &client.GapError{Reason: client.GapReason(h.Gap)})
					} else {
						y.add(channel, h.N, nil)
					}
					if _, done := at[h.Mode]; !done && y.reached(count-1, channel) {
						at[h.Mode] = time.Now()
					}
				}
				return at
			}
			require.NoError(t, s.Publish(channel, 0, 100, 50)) // until Auto is on its socket
			hear(100)
			require.NoError(t, c.Signal(syscall.SIGSTOP))
			asleep := time.Now()
			require.NoError(t, s.Publish(channel, 100, 100, 10))
			time.Sleep(time.Until(asleep.Add(sleep)))
			left, err := s.Sessions()
			require.NoError(t, err)
			require.Equal(t, len(row.gaps) > 0, len(left) == 0, left)
			require.NoError(t, c.Signal(syscall.SIGCONT))
			awake := time.Now()
			if row.gaps != nil {
				subscribed(t, s, len(modes))
				t.Logf("subscribed again %v after it went on", time.Since(awake))
			}
			require.NoError(t, s.Publish(channel, 200, 1, 0))
			for mode, at := range hear(201) {
				t.Logf("%v: live %v after it went on", mode, at.Sub(awake))
			}
			require.NoError(t, s.Publish(channel, 201, 99, 50))
			hear(300)
			for mode, y := range tallies {
				t.Logf("%v: %v", mode, y)
				require.Equal(t, row.gaps, y.gaps, mode)
				require.Zero(t, y.doubled+y.reordered+y.silent, mode)
			}
		})
	}
}
