package longpoll

import (
	"context"
	"net"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/turold/turold/transport"
)

// A dying connection takes so many bytes of the writes to come, and no more.
type dying struct {
	net.Conn
	takes *atomic.Int64 // below zero: whatever comes
}

func (d dying) Write(b []byte) (int, error) {
	left := d.takes.Load()
	if left < 0 || int(left) >= len(b) {
		return d.Conn.Write(b)
	}
	d.takes.Store(0)
	n, _ := d.Conn.Write(b[:left])
	return n, syscall.EPIPE
}

// TestUnsentIfNothingWasWritten: what a warm connection did not take has not
// left, though the header had been written into a buffer before; what it took a
// byte of may have.
func TestUnsentIfNothingWasWritten(t *testing.T) {
	for taken, unsent := range map[int64]bool{0: true, 1: false, 300: false} {
		inWorld(t, "http://server/cometd", func(w *world) {
			takes := new(atomic.Int64)
			takes.Store(-1)
			dial := w.network.DialContext
			w.network.DialContext = func(ctx context.Context, network, addr string) (net.Conn, error) {
				c, err := dial(ctx, network, addr)
				return dying{c, takes}, err
			}
			w.answer("server:80", always(good))
			err, _ := w.exchange()
			require.Nil(w, err)
			time.Sleep(time.Second)
			takes.Store(taken)
			err, _ = w.outcome(w.send(transport.LaneCommands, 1000))
			require.Equal(w, "write", err.Op)
			require.Equal(w, unsent, err.Unsent, "%d bytes", taken)
		})
	}
}
