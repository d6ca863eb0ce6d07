package interop_test

import (
	"os"
	"runtime"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/turold/turold/bayeux"
	"github.com/turold/turold/client"
	"github.com/turold/turold/fallback"
	"github.com/turold/turold/interop/servers"
)

// descriptors counts the open files of this process.
func descriptors(t *testing.T) int {
	t.Helper()
	if runtime.GOOS != "linux" {
		t.Skip("it reads /proc")
	}
	count, err := openFiles()
	require.NoError(t, err)
	return count
}

// openFiles counts the open files of this process, the one by which it does
// included.
func openFiles() (int, error) {
	all, err := os.ReadDir("/proc/self/fd")
	return len(all), err
}

// TestCloseLeavesNoDescriptor closes sessions at different moments of their
// lives; TestMain looks for goroutines.
func TestCloseLeavesNoDescriptor(t *testing.T) {
	s := start(t, servers.CometD)
	var d client.Dialer // its DNS and poll descriptors are there before the count
	c, err := d.Dial(t.Context(), s.URL(), nil)
	require.NoError(t, err)
	require.NoError(t, c.Close())
	d.Close()
	before := descriptors(t)
	for _, mode := range modes {
		d := &client.Dialer{Policy: fallback.Policy{Mode: mode}}
		for i := range 100 {
			ctx := limit(t, time.Duration(i)*200*time.Microsecond) // many of these end in the middle of a dial
			c, err := d.Dial(ctx, s.URL(), nil)
			if err != nil {
				continue
			}
			if i%3 > 0 {
				_, _ = c.Send(t.Context(), client.Draft{Channel: bayeux.Channel("/lab/a"), Data: i})
			}
			if i%3 == 2 {
				require.NoError(t, c.Ready(t.Context()))
			}
			require.NoError(t, c.Close())
		}
		d.Close()
		require.Eventually(t, func() bool { return descriptors(t) <= before }, time.Minute, time.Millisecond)
	}
}
