package netfault_test

import (
	"bytes"
	"context"
	"io"
	"net"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/turold/turold/interop/netfault"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// An echo is a server on the far host that sends back what it gets.
type echo struct {
	*netfault.Net
	l     net.Listener
	conns chan net.Conn // its ends of the connections
}

func listen(t *testing.T) *echo {
	t.Helper()
	n, err := netfault.New()
	require.NoError(t, err)
	e := &echo{Net: n, conns: make(chan net.Conn, 100)}
	require.NoError(t, n.Far.Do(func() (err error) {
		e.l, err = net.Listen("tcp", n.Far.IP()+":80")
		return err
	}))
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			c, err := e.l.Accept()
			if err != nil {
				return
			}
			e.conns <- c
			go io.Copy(c, c)
		}
	}()
	t.Cleanup(func() {
		require.NoError(t, e.l.Close())
		<-done
		close(e.conns)
		for c := range e.conns {
			c.Close()
		}
		require.NoError(t, n.Close())
	})
	return e
}

func (e *echo) dial(t *testing.T) net.Conn {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	c, err := e.Near.DialContext(ctx, "tcp", e.l.Addr().String())
	require.NoError(t, err)
	t.Cleanup(func() { c.Close() })
	return c
}

// around sends bytes there and back, and returns how long that took.
func around(t *testing.T, c net.Conn, size int) time.Duration {
	t.Helper()
	require.NoError(t, c.SetDeadline(time.Now().Add(time.Minute)))
	sent, begun := bytes.Repeat([]byte("turold"), size/6), time.Now()
	go c.Write(sent)
	got := make([]byte, len(sent))
	_, err := io.ReadFull(c, got)
	require.NoError(t, err)
	require.Equal(t, sent, got)
	return time.Since(begun)
}

// silent reports whether nothing comes back for a while.
func silent(t *testing.T, c net.Conn) bool {
	t.Helper()
	require.NoError(t, c.SetDeadline(time.Now().Add(500*time.Millisecond)))
	_, err := c.Write([]byte("x"))
	require.NoError(t, err)
	_, err = c.Read(make([]byte, 1))
	return os.IsTimeout(err)
}

const much = 600_000 // bytes

func TestConditions(t *testing.T) {
	t.Parallel()
	e := listen(t)
	c := e.dial(t)
	t.Logf("clean: %v", around(t, c, much))
	toFar, toNear := e.Counts()
	require.Zero(t, toFar.Lost+toNear.Lost+toFar.Doubled+toNear.Doubled+toFar.Overtaken+toNear.Overtaken)
	for name, is := range map[string]netfault.Conditions{
		"5 % lost":    {Loss: 0.05},
		"20 % twice":  {Duplicate: 0.2},
		"20 to 40 ms": {Delay: 20 * time.Millisecond, Jitter: 20 * time.Millisecond},
	} {
		beforeFar, beforeNear := e.Counts()
		e.Set(is, is)
		t.Logf("%s: %v", name, around(t, c, much))
		afterFar, afterNear := e.Counts()
		require.Equal(t, is.Loss > 0, afterFar.Lost+afterNear.Lost > beforeFar.Lost+beforeNear.Lost, name)
		require.Equal(t, is.Duplicate > 0, afterFar.Doubled+afterNear.Doubled > beforeFar.Doubled+beforeNear.Doubled, name)
		if is.Jitter > 0 {
			require.Greater(t, afterFar.Overtaken+afterNear.Overtaken, beforeFar.Overtaken+beforeNear.Overtaken, name)
		}
	}
	still := netfault.Conditions{Delay: 50 * time.Millisecond}
	e.Set(still, still)
	require.GreaterOrEqual(t, around(t, c, 6), 2*still.Delay, "a packet comes before its time")
}

func TestDirectionsGoSilentAndComeBack(t *testing.T) {
	t.Parallel()
	e := listen(t)
	c := e.dial(t)
	around(t, c, 6)
	e.Set(netfault.Conditions{}, netfault.Conditions{Silent: true})
	require.True(t, silent(t, c))
	e.Set(netfault.Conditions{}, netfault.Conditions{})
	require.NoError(t, c.SetDeadline(time.Now().Add(time.Minute)))
	_, err := io.ReadFull(c, make([]byte, 1))
	require.NoError(t, err, "TCP sends again what was lost")

	e.Set(netfault.Conditions{NoOpening: true}, netfault.Conditions{})
	around(t, c, much)
	ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
	defer cancel()
	_, err = e.Near.DialContext(ctx, "tcp", e.l.Addr().String())
	require.True(t, os.IsTimeout(err), err)
}

func TestBothEndsAreReset(t *testing.T) {
	t.Parallel()
	e := listen(t)
	is := netfault.Conditions{Loss: 0.1, Delay: time.Millisecond, Jitter: 5 * time.Millisecond}
	for range 20 {
		e.Set(netfault.Conditions{}, netfault.Conditions{})
		busy, idle := e.dial(t), e.dial(t)
		ends := []net.Conn{<-e.conns, <-e.conns}
		around(t, busy, 6)
		around(t, idle, 6)
		e.Set(is, is)
		go func() {
			for {
				if _, err := busy.Write(make([]byte, 10_000)); err != nil {
					return
				}
			}
		}()
		_, err := io.ReadFull(busy, make([]byte, 30_000)) // what is on its way when it is reset
		require.NoError(t, err)
		require.Equal(t, 2, e.Reset())
		for _, c := range append(ends, busy, idle) {
			require.Eventually(t, func() bool {
				c.SetDeadline(time.Now().Add(10 * time.Second))
				_, err := io.Copy(io.Discard, c)
				if err == nil {
					_, err = c.Write([]byte("x")) // whoever reads beside it was told
				}
				return err != nil && !os.IsTimeout(err)
			}, time.Minute, time.Millisecond)
			c.Close()
		}
	}
	require.Equal(t, 40, e.Opened())
	require.Zero(t, e.Reset())
	around(t, e.dial(t), 6)
}

func TestResetIsOne(t *testing.T) {
	t.Parallel()
	e := listen(t)
	c := e.dial(t)
	around(t, c, 6)
	e.Reset()
	require.NoError(t, c.SetDeadline(time.Now().Add(time.Minute)))
	_, err := c.Read(make([]byte, 1))
	require.ErrorIs(t, err, syscall.ECONNRESET)
}

func TestSwallowedConnections(t *testing.T) {
	t.Parallel()
	e := listen(t)
	for _, directions := range [][2]bool{{true, false}, {false, true}, {true, true}} {
		c := e.dial(t)
		around(t, c, 6)
		require.Positive(t, e.Swallow(directions[0], directions[1]))
		require.True(t, silent(t, c))
		around(t, e.dial(t), much)
	}
}

func TestNothingIsLeft(t *testing.T) {
	count := func() int {
		all, err := filepath.Glob("/proc/self/fd/*")
		require.NoError(t, err)
		return len(all)
	}
	for i, before := 0, 0; i < 20; i++ {
		n, err := netfault.New()
		require.NoError(t, err)
		require.NoError(t, n.Close())
		if i == 0 {
			before = count()
		}
		require.LessOrEqual(t, count(), before)
	}
}
