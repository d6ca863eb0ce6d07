package websocket

import (
	"crypto/tls"
	"fmt"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	ws "github.com/gorilla/websocket"
	"github.com/stretchr/testify/require"

	"github.com/turold/turold/internal/testutil/testnet"
)

// resting reports whether a reader waits with nothing else on its stack.
func resting() bool {
	b := make([]byte, 1<<20)
	for stack := range strings.SplitSeq(string(b[:runtime.Stack(b, true)]), "\n\n") {
		if strings.Contains(stack, "(*rawConn).peek(") {
			return !strings.Contains(stack, "gorilla") && !strings.Contains(stack, "crypto/tls")
		}
	}
	return false
}

// TestIdleReaderRests: a socket on which little comes is waited for by a goroutine
// of its own, whatever came before, and nothing is lost on the way there and back.
func TestIdleReaderRests(t *testing.T) {
	for _, address := range []string{server, "https://server/cometd"} {
		t.Run(address[:5], func(t *testing.T) {
			inWorld(t, address, func(w *world) {
				var conf *tls.Config
				at := "server:80"
				if address != server {
					at = "server:443"
					conf, w.network.TLS = testnet.Certify("server")
				}
				pongs := 0
				turn := make(chan func(c *ws.Conn))
				w.sockets(at, conf, func(c *ws.Conn) {
					c.SetPongHandler(func(string) error { pongs++; return nil })
					go w.silent(c)
					for do := range turn {
						do(c)
					}
				})
				defer close(turn)
				sent := 0
				say := func(c *ws.Conn, bytes int) {
					sent++
					text := fmt.Sprintf(`[{"channel":"/a","data":"%d:%s"}]`, sent, strings.Repeat("x", bytes))
					require.NoError(w, c.WriteMessage(ws.TextMessage, []byte(text)))
				}
				w.send(10)
				for round, happens := range []func(c *ws.Conn){
					func(c *ws.Conn) { say(c, 0) },
					func(c *ws.Conn) { say(c, 70_000) },
					func(c *ws.Conn) { _ = c.WriteControl(ws.PingMessage, []byte("1"), time.Time{}) },
					func(c *ws.Conn) { // control frames before, between and behind
						_ = c.WriteControl(ws.PingMessage, nil, time.Time{})
						say(c, 300)
						_ = c.WriteControl(ws.PongMessage, nil, time.Time{})
						say(c, 300)
						_ = c.WriteControl(ws.PingMessage, []byte("2"), time.Time{})
					},
					func(c *ws.Conn) {
						for range 300 {
							say(c, 1000)
							time.Sleep(time.Millisecond)
						}
					},
				} {
					turn <- happens
					time.Sleep(time.Minute) // a ping of our own, and its pong
					synctest.Wait()
					require.True(w, resting(), "round %d", round)
				}
				require.Equal(w, 3, pongs)
				got := w.h.Record().Receipts
				require.Len(w, got, sent)
				for i, r := range got {
					require.True(w, strings.HasPrefix(string(r.Messages[0].Data), fmt.Sprintf(`"%d:`, i+1)), "message %d", i)
				}
				require.Empty(w, w.h.Record().Ends)
			})
		})
	}
}

// TestNothingIsOverheardOnTheWayToRest: what TLS has read already is handed up,
// also where the reader's own buffer ended with a message.
func TestNothingIsOverheardOnTheWayToRest(t *testing.T) {
	inWorld(t, "https://server/cometd", func(w *world) {
		var conf *tls.Config
		conf, w.network.TLS = testnet.Certify("server")
		conf.DynamicRecordSizingDisabled = true
		turn, over := make(chan struct{}), make(chan struct{})
		defer close(over)
		w.sockets("server:443", conf, func(c *ws.Conn) {
			go w.silent(c)
			<-turn
			var record []byte
			for range 8 {
				text := `[{"channel":"/a","data":"` + strings.Repeat("x", smallBuffer-4-28) + `"}]`
				record = append(record, frame(0x81, []byte(text))...)
			}
			require.Len(w, record, 8*smallBuffer)
			_ = c.NetConn().SetWriteDeadline(time.Time{}) // a pong's is left there
			_, err := c.NetConn().Write(record)           // as one record of TLS
			require.NoError(w, err)
			<-over // the alert that closes TLS would come to their help
		})
		w.send(10)
		time.Sleep(time.Minute + time.Second) // no ping, nor a pong, is near
		synctest.Wait()
		require.True(w, resting())
		close(turn)
		time.Sleep(time.Second)
		require.Len(w, w.h.Record().Receipts, 8)
	})
}
