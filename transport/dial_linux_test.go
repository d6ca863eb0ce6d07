package transport

import (
	"math"
	"net"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// TestSystemFindsOutThatTheOtherEndIsGone looks at what the system was told:
// only a real network could show it at work.
func TestSystemFindsOutThatTheOtherEndIsGone(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer l.Close()
	for silence, want := range map[time.Duration][4]int{
		0:                      {5, 3, 3, 14_000},
		time.Minute:            {20, 12, 3, 56_000},
		time.Second:            {1, 1, 3, 933},
		500 * time.Millisecond: {1, 1, 3, 933},
		math.MaxInt64:          {28_800, 17_280, 3, 80_640_000}, // what a system can be told
	} {
		c, err := (&SharedConfig{Silence: silence}).Dial(t.Context(), "tcp", l.Addr().String())
		require.NoError(t, err)
		raw, err := c.(*net.TCPConn).SyscallConn()
		require.NoError(t, err)
		var got [4]int
		require.NoError(t, raw.Control(func(fd uintptr) {
			for i, option := range []int{syscall.TCP_KEEPIDLE, syscall.TCP_KEEPINTVL, syscall.TCP_KEEPCNT, tcpUserTimeout} {
				got[i], err = syscall.GetsockoptInt(int(fd), syscall.IPPROTO_TCP, option)
				require.NoError(t, err)
			}
		}))
		require.Equal(t, want, got, "silence %v", silence)
		require.NoError(t, c.Close())
	}
}
