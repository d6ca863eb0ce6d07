package transport

import (
	"net"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestDeadConnectionsAreFoundOutByTheSystem within 15 s: nine, and three times two.
func TestDeadConnectionsAreFoundOutByTheSystem(t *testing.T) {
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer l.Close()
	c, err := new(Network).Dial(t.Context(), "tcp", l.Addr().String())
	require.NoError(t, err)
	defer c.Close()
	raw, err := c.(*net.TCPConn).SyscallConn()
	require.NoError(t, err)
	var got []int
	require.NoError(t, raw.Control(func(fd uintptr) {
		for _, option := range [][2]int{{syscall.SOL_SOCKET, syscall.SO_KEEPALIVE}, {syscall.IPPROTO_TCP, syscall.TCP_KEEPIDLE},
			{syscall.IPPROTO_TCP, syscall.TCP_KEEPINTVL}, {syscall.IPPROTO_TCP, syscall.TCP_KEEPCNT}} {
			n, err := syscall.GetsockoptInt(int(fd), option[0], option[1])
			require.NoError(t, err)
			got = append(got, n)
		}
	}))
	require.Equal(t, []int{1, 9, 2, 3}, got)
}
