package memnet

import (
	"errors"
	"io"
	"net"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// TestCuts cuts at the sixth byte to the server, and looks at both ends.
func TestCuts(t *testing.T) {
	for how, want := range map[Cut]struct{ server, client error }{
		FIN: {io.EOF, io.EOF}, RST: {syscall.ECONNRESET, syscall.ECONNRESET}, Mute: {nil, nil},
	} {
		bubble(t, func(t *testing.T, n *Network) {
			n.SetLatency(time.Second)
			c, s := pair(t, n)
			n.CutAt(addr, true, 6, how)
			start := time.Now()
			for _, b := range []string{"four", "more"} {
				_, err := c.Write([]byte(b))
				require.NoError(t, err, "what was cut is not known yet")
			}
			require.Equal(t, start.Add(time.Second), n.CutTime(addr, true))
			time.Sleep(time.Second / 2)
			_, err := s.Write([]byte("down"))
			require.NoError(t, err)
			got := make([]byte, 6)
			_, err = io.ReadFull(s, got)
			require.NoError(t, err)
			require.Equal(t, "fourmo", string(got))
			require.Equal(t, time.Second, time.Since(start))
			require.ErrorIs(t, ended(s), want.server)
			down := make([]byte, 4)
			_, err = io.ReadFull(c, down)
			if how == RST {
				require.ErrorIs(t, err, want.client, "what was on its way is lost as well")
			} else {
				require.NoError(t, err)
				require.ErrorIs(t, ended(c), want.client)
			}
			_, err = c.Write([]byte("x"))
			require.Equal(t, how == RST, err != nil)
			require.EqualValues(t, 6, n.Written(addr, true))
		})
	}
}

// ended is how the stream goes on within a minute; nil: it does not.
func ended(c net.Conn) error {
	_ = c.SetReadDeadline(time.Now().Add(time.Minute))
	n, err := c.Read(make([]byte, 1))
	var timeout net.Error
	if n == 0 && errors.As(err, &timeout) && timeout.Timeout() {
		return nil
	}
	if n > 0 {
		return errors.New("more came")
	}
	return err
}

// TestCutIsForOneConnection: the next is whole, and bytes are counted over all.
func TestCutIsForOneConnection(t *testing.T) {
	bubble(t, func(t *testing.T, n *Network) {
		l, err := n.Listen(addr)
		require.NoError(t, err)
		defer l.Close()
		n.CutAt(addr, false, 3, FIN)
		var got []string
		for range 3 {
			c, err := n.DialContext(t.Context(), "tcp", addr)
			require.NoError(t, err)
			s, err := l.Accept()
			require.NoError(t, err)
			_, err = s.Write([]byte("ab"))
			require.NoError(t, err)
			require.NoError(t, s.Close())
			b, err := io.ReadAll(c)
			require.NoError(t, err)
			got = append(got, string(b))
			require.NoError(t, c.Close())
		}
		require.Equal(t, []string{"ab", "a", "ab"}, got)
		require.EqualValues(t, 5, n.Written(addr, false))
		n.CutAt(addr, false, 4, FIN)
		require.False(t, n.meter(addr, false).set, "it was written already")
	})
}

// TestMuteKeepsTheEndBack: not even the end of the stream passes, and writers
// wait when the window is full.
func TestMuteKeepsTheEndBack(t *testing.T) {
	bubble(t, func(t *testing.T, n *Network) {
		c, s := pair(t, n)
		n.CutAt(addr, true, 0, Mute)
		require.NoError(t, c.SetWriteDeadline(time.Now().Add(time.Minute)))
		k, err := c.Write(make([]byte, window+1))
		require.Error(t, err)
		require.Equal(t, window, k)
		require.NoError(t, c.Close())
		require.NoError(t, ended(s))
	})
}

func TestSilence(t *testing.T) {
	bubble(t, func(t *testing.T, n *Network) {
		c, s := pair(t, n)
		require.Equal(t, 1, n.Silence(addr))
		for _, way := range [][2]net.Conn{{c, s}, {s, c}} {
			_, err := way[0].Write([]byte("x"))
			require.NoError(t, err)
			require.NoError(t, ended(way[1]))
		}
		next, err := n.DialContext(t.Context(), "tcp", addr)
		require.NoError(t, err)
		require.NoError(t, next.Close())
	})
}
