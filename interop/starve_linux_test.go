package interop_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/turold/turold/client"
	"github.com/turold/turold/fallback"
	"github.com/turold/turold/interop/servers"
	"github.com/turold/turold/transport"
)

func init() { jobs["starve"] = starveJob }

// A starved is what a process tells that had a session, and no descriptors for
// a while.
type starved struct {
	Dials         int64         // that were tried meanwhile
	Status        string        // of the session, at the end of it
	Dial          string        // what another Dial said then
	Surfaced      bool          // both errors are EMFILE
	Back          time.Duration // until it was connected again
	Session       int
	Before, After int // open files
}

// starveTime is how long there are none.
const starveTime = 12 * time.Second

// starveJob has a session in a mode: starve URL MODE. It says that it has no
// descriptor any more, waits for a line, by which its connections broke, lives
// like that for a while, and says how it went.
func starveJob(args []string) error {
	mode, err := fallback.ParseMode(args[1])
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	var s starved
	var dials atomic.Int64
	d := &client.Dialer{Policy: fallback.Policy{Mode: mode}, DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
		dials.Add(1)
		return new(net.Dialer).DialContext(ctx, network, address)
	}}
	defer d.Close()
	c, err := d.Dial(ctx, args[0], nil)
	if err != nil {
		return err
	}
	if err := settledIn(ctx, c, mode); err != nil {
		return err
	}
	if s.Before, err = openFiles(); err != nil {
		return err
	}
	feed, err := starve()
	if err != nil {
		return err
	}
	say(struct{}{})
	if _, err := bufio.NewReader(os.Stdin).ReadString('\n'); err != nil {
		return err
	}
	dials.Store(0)
	time.Sleep(starveTime)
	s.Dials = dials.Load()
	status := c.Status()
	_, err = client.Dial(ctx, args[0], nil)
	s.Status, s.Dial = status.String(), fmt.Sprint(err)
	s.Surfaced = errors.Is(err, syscall.EMFILE) && errors.Is(status.Err, syscall.EMFILE)
	if err := feed(); err != nil {
		return err
	}
	fed := time.Now()
	if err := c.Ready(ctx); err != nil {
		return err
	}
	s.Back, s.Session = time.Since(fed), c.Status().Session
	if err := settledIn(ctx, c, mode); err != nil {
		return err
	}
	for s.After = s.Before + 1; s.After > s.Before && ctx.Err() == nil; time.Sleep(10 * time.Millisecond) {
		if s.After, err = openFiles(); err != nil {
			return err
		}
	}
	say(s)
	return nil
}

// starve has the process get no descriptor any more, until feed.
func starve() (feed func() error, err error) {
	var had syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &had); err != nil {
		return nil, err
	}
	feed = func() error { return syscall.Setrlimit(syscall.RLIMIT_NOFILE, &had) }
	return feed, syscall.Setrlimit(syscall.RLIMIT_NOFILE, &syscall.Rlimit{Cur: 3, Max: had.Max})
}

// settledIn waits until the session is where it stays: on a socket if it may be.
func settledIn(ctx context.Context, c *client.Client, mode fallback.Mode) error {
	if err := c.Ready(ctx); err != nil {
		return err
	}
	for mode == fallback.Auto && c.Status().Transport != transport.WebSocket {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		time.Sleep(time.Millisecond)
	}
	return nil
}

// TestNoDescriptors: a process has none left when its connections break. The
// error is told, it tries as seldom as in any outage, and when there are some
// it is the same session, with as many as before.
func TestNoDescriptors(t *testing.T) {
	t.Parallel()
	s := start(t, servers.CometD)
	for _, mode := range modes {
		t.Run(mode.String(), func(t *testing.T) {
			t.Parallel()
			r, err := s.NewRelay()
			require.NoError(t, err)
			t.Cleanup(r.Close)
			c := bear(t, "starve", s.URLVia(r.Addr()), mode.String())
			c.hear(t, &struct{}{})
			r.Cut()
			r.Mend()
			_, err = c.in.Write([]byte("\n"))
			require.NoError(t, err)
			var got starved
			c.hear(t, &got)
			t.Logf("%+v", got)
			require.True(t, got.Surfaced)
			require.LessOrEqual(t, got.Dials, int64(12))
			require.Positive(t, got.Dials)
			require.Equal(t, 1, got.Session)
			require.LessOrEqual(t, got.After, got.Before)
		})
	}
}
