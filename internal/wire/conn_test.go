package wire

import (
	"crypto/tls"
	"io"
	"net"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestDiscardUnsent: what the system has not delivered when a connection is closed
// it goes on delivering, unless it was told to discard it.
func TestDiscardUnsent(t *testing.T) {
	for name, over := range map[string]func(net.Conn) net.Conn{
		"TCP": func(c net.Conn) net.Conn { return c },
		"TLS": func(c net.Conn) net.Conn { return tls.Client(c, &tls.Config{ServerName: "server"}) },
	} {
		t.Run(name, func(t *testing.T) {
			const much = 16 << 20 // more than both ends' buffers hold
			arrives := func(discard bool) (int64, error) {
				l, err := net.Listen("tcp", "127.0.0.1:0")
				require.NoError(t, err)
				defer l.Close()
				c, err := net.Dial("tcp", l.Addr().String())
				require.NoError(t, err)
				server, err := l.Accept()
				require.NoError(t, err)
				defer server.Close()
				// It stalls when both buffers are full. Its Close is what ends it.
				wrote := make(chan int)
				go func() {
					n, _ := c.Write(make([]byte, much))
					wrote <- n
				}()
				first := make([]byte, 1)
				_, err = io.ReadFull(server, first)
				require.NoError(t, err)
				if discard {
					DiscardUnsent(over(c))
				}
				require.NoError(t, c.Close())
				require.Less(t, <-wrote, much)
				n, err := io.Copy(io.Discard, server)
				return n, err
			}
			_, err := arrives(false)
			require.NoError(t, err)
			_, err = arrives(true)
			require.ErrorIs(t, err, syscall.ECONNRESET)
		})
	}
}
