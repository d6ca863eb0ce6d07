package longpoll

import (
	"net"
	"net/http"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/turold/turold/internal/wire"
	"github.com/turold/turold/transport"
	"github.com/turold/turold/transport/transporttest"
)

// TestConnectionsAreReused makes a hundred exchanges on two connections, each
// kind of answer among them.
func TestConnectionsAreReused(t *testing.T) {
	inWorld(t, "http://server/cometd", func(w *world) {
		n := 0
		w.answer("server:80", func(int, *http.Request) string {
			n++
			switch n % 5 {
			case 0:
				return answerOf("503 Service Unavailable", "", "<html>")
			case 1:
				return answerOf("200 OK", "Content-Type: text/html\r\n", "<html>")
			case 2:
				return answerOf("200 OK", asJSON, "{")
			case 3:
				return answerOf("200 OK", asJSON+"Content-Encoding: gzip\r\n", zipped("[]"))
			}
			return good
		})
		for i := range 50 {
			w.send(transport.LaneConnect, i)
			w.outcome(w.send(transport.LaneCommands, i))
			synctest.Wait()
		}
		require.Equal(w, 100, n)
		require.LessOrEqual(w, w.dialled("server:80"), 2)
	})
}

// TestIdleConnectionsEnd by themselves, with their goroutines, while the pipe
// stays open.
func TestIdleConnectionsEnd(t *testing.T) {
	inWorld(t, "http://server/cometd", func(w *world) {
		var open atomic.Int32
		w.listen("server:80", func(c net.Conn) {
			open.Add(1)
			speak(c, always(good))
			open.Add(-1)
		})
		_, _ = w.exchange()
		synctest.Wait()
		require.EqualValues(w, 1, open.Load())
		time.Sleep(idleTimeout + time.Second)
		synctest.Wait()
		require.Zero(w, open.Load())
		err, _ := w.exchange()
		require.Nil(w, err)
	})
}

// TestReused tells a connection that was dead already from one that died.
func TestReused(t *testing.T) {
	for _, tc := range []struct {
		name   string
		answer func(n int) string
		op     string
		reused bool
	}{
		{"a new connection dies", func(int) string { return "close" }, "read", false},
		{"a used one dies", func(n int) string {
			if n == 1 {
				return good
			}
			return "close"
		}, "read", true},
		{"a used one dies in the answer", func(n int) string {
			if n == 1 {
				return good
			}
			return "HTTP/1.1 200 OKclose"
		}, "read", false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			inWorld(t, "http://server/cometd", func(w *world) {
				w.answer("server:80", func(n int, _ *http.Request) string { return tc.answer(n) })
				err, _ := w.exchange()
				if err == nil {
					err, _ = w.exchange()
				}
				require.Equal(w, tc.op, err.Op)
				require.Equal(w, tc.reused, err.StaleConn)
				require.False(w, err.Unsent, "the request was read")
			})
		})
	}
}

// TestACutIsNotReused: it did not die, it was cut.
func TestACutIsNotReused(t *testing.T) {
	inWorld(t, "http://server/cometd", func(w *world) {
		w.listen("server:80", func(c net.Conn) {
			speak(c, func(n int, _ *http.Request) string {
				if n == 2 {
					time.Sleep(time.Hour)
				}
				return good
			})
		})
		_, _ = w.exchange()
		id := w.send(transport.LaneCommands, 1)
		synctest.Wait()
		w.pipe.Cut(id, nil)
		err, _ := w.outcome(id)
		require.Equal(w, "cut", err.Op)
		require.Error(w, err.Err, "also without a cause")
		require.False(w, err.StaleConn)
		require.False(w, err.Unsent)
	})
}

// TestAnIdempotencyKeyIsNoReasonToSendTwice: net/http takes it for leave to
// send a request again whose connection was dead.
func TestAnIdempotencyKeyIsNoReasonToSendTwice(t *testing.T) {
	inWorld(t, "http://server/cometd", func(w *world) {
		w.target.Header = http.Header{"Idempotency-Key": {"1"}}
		requests := 0
		w.answer("server:80", func(n int, _ *http.Request) string {
			requests++
			if n == 1 {
				return good
			}
			return "close"
		})
		_, _ = w.exchange()
		err, _ := w.exchange()
		require.True(w, err.StaleConn)
		require.Equal(w, 2, requests)
	})
}

// TestOnePoolServesMany: sessions that share a pool share its connections, and
// closing one leaves them to the others.
func TestOnePoolServesMany(t *testing.T) {
	inWorld(t, "http://server/cometd", func(w *world) {
		w.answer("server:80", always(good))
		pool := NewRoundTripper(w.network)
		defer pool.CloseIdleConnections()
		w.network.RoundTripper = pool
		for range 3 {
			h := new(transporttest.Handler)
			p := transporttest.Check(Open)(transport.NewSessionConfig(w.network, w.target), h)
			w.pipe, w.h = p, h
			err, _ := w.exchange()
			require.Nil(w, err)
			require.NoError(w, p.Close())
		}
		require.Equal(w, 1, w.dialled("server:80"))
	})
}

// TestLimit is what a pipe learns from what is refused for its size.
func TestLimit(t *testing.T) {
	limit := func(w *world) int {
		draws := w.h.Record().Draws
		return draws[len(draws)-1].Leg.Limit
	}
	t.Run("a 413", func(t *testing.T) {
		inWorld(t, "http://server/cometd", func(w *world) {
			w.answer("server:80", always(answerOf("413 Payload Too Large", "", "")))
			sent, before := 200<<10, transport.HTTPLimit
			for range 10 {
				_, _ = w.outcome(w.send(transport.LaneCommands, sent))
				require.LessOrEqual(w, limit(w), before)
				before, sent = limit(w), limit(w)
			}
			require.Equal(w, wire.MinBatch, limit(w))
		})
	})
	t.Run("a large upload breaks off", func(t *testing.T) {
		inWorld(t, "http://server/cometd", func(w *world) {
			w.listen("server:80", func(c net.Conn) {
				_, _ = c.Read(make([]byte, 1000))
				w.net.Reset("server:80")
			})
			err, _ := w.outcome(w.send(transport.LaneCommands, 250<<10))
			require.Equal(w, "write", err.Op)
			require.False(w, err.Unsent)
			_, _ = w.exchange()
			require.Less(w, limit(w), transport.HTTPLimit)
		})
	})
	t.Run("a small one", func(t *testing.T) {
		inWorld(t, "http://server/cometd", func(w *world) {
			w.answer("server:80", always("close"))
			_, _ = w.exchange()
			_, _ = w.exchange()
			require.Equal(w, transport.HTTPLimit, limit(w))
		})
	})
}

// TestACutTeachesNoLimit: a large upload that was cut was not refused.
func TestACutTeachesNoLimit(t *testing.T) {
	inWorld(t, "http://server/cometd", func(w *world) {
		w.answer("server:80", always(good))
		w.net.Stall("server:80", true, true)
		id := w.send(transport.LaneCommands, 250<<10)
		synctest.Wait()
		w.pipe.Cut(id, nil)
		err, _ := w.outcome(id)
		require.Equal(w, "cut", err.Op)
		require.False(w, err.Unsent)
		w.net.Stall("server:80", false, false)
		_, _ = w.exchange()
		draws := w.h.Record().Draws
		require.Equal(w, transport.HTTPLimit, draws[1].Leg.Limit)
	})
}
