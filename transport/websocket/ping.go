package websocket

import (
	"strconv"
	"time"

	ws "github.com/gorilla/websocket"
)

// onPingTimer is called by the timer when a ping is due, and when a pong is (RFC 6455
// section 5.5.2).
func (k *socket) onPingTimer() {
	p := k.p
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case k.readerGone || k.draining:
	case k.lastPong < k.pingsSent:
		k.fail("ping", errNoPong)
	case k.awaitingPong: // the pong came in time
		k.awaitingPong = false
		k.pingTimer.Reset(p.pingInterval - p.pongTimeout)
	default:
		k.sendPing(p.pongTimeout)
	}
}

// pingNow sends a ping out of turn. Called with the pipe's mutex held.
func (k *socket) pingNow() {
	if k.pingTimer != nil && !k.readerGone && !k.draining {
		k.sendPing(min(checkTimeout, k.p.pongTimeout))
	}
}

// sendPing sends a ping, whose pong must come within a time. A goroutine of its own
// writes the frame, since it may have to wait for the pump, which writes a batch.
// Called with the pipe's mutex held.
func (k *socket) sendPing(within time.Duration) {
	k.pingsSent++
	k.awaitingPong = true
	payload := strconv.AppendInt(nil, int64(k.pingsSent), 10)
	k.p.wg.Go(func() { _ = k.conn.WriteControl(ws.PingMessage, payload, time.Now().Add(writeTimeout)) })
	k.pingTimer.Reset(within)
}

// onPong is called by the reader. A pong that answers no ping of this socket is a
// heartbeat of the server (RFC 6455 section 5.5.3) and proves nothing.
func (k *socket) onPong(payload string) error {
	n, err := strconv.Atoi(payload)
	k.p.mu.Lock()
	defer k.p.mu.Unlock()
	if err == nil && n == k.pingsSent {
		k.lastPong = n
	}
	return nil
}
