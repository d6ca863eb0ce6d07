package memnet

import (
	"context"
	"io"
	"net"
	"os"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const addr = "server:80"

// pair is both ends of a connection.
func pair(t *testing.T, n *Network) (client, server net.Conn) {
	t.Helper()
	l, err := n.Listen(addr)
	require.NoError(t, err)
	client, err = n.DialContext(context.Background(), "tcp", addr)
	require.NoError(t, err)
	server, err = l.Accept()
	require.NoError(t, err)
	t.Cleanup(func() { _ = client.Close(); _ = server.Close(); _ = l.Close() })
	return client, server
}

func bubble(t *testing.T, f func(t *testing.T, n *Network)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) { f(t, New()) })
}

func TestLatencyOrderAndEOF(t *testing.T) {
	bubble(t, func(t *testing.T, n *Network) {
		c, s := pair(t, n)
		n.SetLatency(time.Second)
		start := time.Now()
		_, err := c.Write([]byte("one"))
		require.NoError(t, err)
		n.SetLatency(0)
		_, err = c.Write([]byte("two"))
		require.NoError(t, err)
		require.NoError(t, c.Close())
		got, err := io.ReadAll(s)
		require.NoError(t, err)
		require.Equal(t, "onetwo", string(got))
		require.Equal(t, time.Second, time.Since(start))
		_, err = s.Write([]byte("x"))
		require.ErrorIs(t, err, syscall.EPIPE)
		_, err = c.Read(make([]byte, 1))
		require.ErrorIs(t, err, net.ErrClosed)
		require.Zero(t, n.Conns(addr))
	})
}

func TestAbruptEnd(t *testing.T) {
	for _, held := range []bool{false, true} {
		bubble(t, func(t *testing.T, n *Network) {
			c, s := pair(t, n)
			n.SetLatency(time.Second)
			_, err := c.Write([]byte("before"))
			require.NoError(t, err)
			time.Sleep(time.Second)
			n.Stall(addr, held, false)
			_, err = c.Write([]byte(", after"))
			require.NoError(t, err)
			require.NoError(t, c.(interface{ SetLinger(int) error }).SetLinger(0))
			require.NoError(t, c.Close())
			time.Sleep(time.Second)
			n.Stall(addr, false, false)
			got, err := io.ReadAll(s)
			require.ErrorIs(t, err, syscall.ECONNRESET)
			require.Equal(t, map[bool]string{false: "before, after", true: ""}[held], string(got))
		})
	}
}

func TestWindowStallAndReset(t *testing.T) {
	bubble(t, func(t *testing.T, n *Network) {
		c, s := pair(t, n)
		n.Stall(addr, true, false)
		wrote := make(chan error, 1)
		go func() {
			_, err := c.Write(make([]byte, window+1))
			wrote <- err
		}()
		time.Sleep(time.Hour)
		require.Empty(t, wrote, "the window is full")
		n.Stall(addr, false, false)
		_, err := io.ReadFull(s, make([]byte, window+1))
		require.NoError(t, err)
		require.NoError(t, <-wrote)
		_, err = s.Write([]byte("lost"))
		require.NoError(t, err)
		require.Equal(t, 1, n.Reset(addr))
		for _, end := range []net.Conn{c, s} {
			_, err = end.Read(make([]byte, 8))
			require.ErrorIs(t, err, syscall.ECONNRESET)
		}
	})
}

// TestCloseDuringAStall: the end arrives as well when the stall is over.
func TestCloseDuringAStall(t *testing.T) {
	bubble(t, func(t *testing.T, n *Network) {
		c, s := pair(t, n)
		n.Stall(addr, true, false)
		_, err := c.Write([]byte("last"))
		require.NoError(t, err)
		require.NoError(t, c.Close())
		require.Zero(t, n.Conns(addr))
		time.AfterFunc(time.Hour, func() { n.Stall(addr, false, false) })
		b, err := io.ReadAll(s)
		require.NoError(t, err)
		require.Equal(t, "last", string(b))
	})
}

func TestDeadlines(t *testing.T) {
	bubble(t, func(t *testing.T, n *Network) {
		c, _ := pair(t, n)
		require.NoError(t, c.SetDeadline(time.Now().Add(time.Minute)))
		start := time.Now()
		_, err := c.Read(make([]byte, 1))
		require.ErrorIs(t, err, os.ErrDeadlineExceeded)
		require.Equal(t, time.Minute, time.Since(start))
		var timeout net.Error
		require.ErrorAs(t, err, &timeout)
		require.True(t, timeout.Timeout())
	})
}

func TestDials(t *testing.T) {
	bubble(t, func(t *testing.T, n *Network) {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		_, err := n.DialContext(ctx, "tcp", addr)
		require.ErrorIs(t, err, syscall.ECONNREFUSED)
		l, err := n.Listen(addr)
		require.NoError(t, err)
		_, err = n.Listen(addr)
		require.ErrorIs(t, err, syscall.EADDRINUSE)
		n.Refuse(addr, true)
		_, err = n.DialContext(ctx, "tcp", addr)
		require.ErrorIs(t, err, syscall.ECONNREFUSED)
		n.Refuse(addr, false)
		n.BlackHole(addr, true)
		_, err = n.DialContext(ctx, "tcp", addr)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.Equal(t, 3, n.Dials(addr))
		require.NoError(t, l.Close())
		l, err = n.Listen(addr)
		require.NoError(t, err)
		require.NoError(t, l.Close())
	})
}
