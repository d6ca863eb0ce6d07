package websocket

import (
	"strconv"
	"time"

	ws "github.com/gorilla/websocket"
)

// ping runs when a ping is due, and when a pong is (RFC 6455 section 5.5.2).
func (k *socket) ping() {
	p := k.p
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case k.gone || k.draining:
	case k.pong < k.pings:
		k.fail("ping", errNoPong)
	case k.awaiting: // it came in time
		k.awaiting = false
		k.beat.Reset(p.every - p.answer)
	default:
		k.sendPing(p.answer)
	}
}

// check asks out of turn. Called with the pipe's mutex held.
func (k *socket) check() {
	if k.beat != nil && !k.gone && !k.draining {
		k.sendPing(min(checkTime, k.p.answer))
	}
}

// sendPing sends a ping, whose pong must be there within a time. The frame is
// written by a goroutine of its own, since it may have to wait for a batch that
// is being written.
func (k *socket) sendPing(within time.Duration) {
	k.pings++
	k.awaiting = true
	payload := strconv.AppendInt(nil, int64(k.pings), 10)
	k.p.wg.Go(func() { _ = k.conn.WriteControl(ws.PingMessage, payload, time.Now().Add(writeTime)) })
	k.beat.Reset(within)
}

// ponged is called by the reader. A pong that answers none of our pings is a
// server's own heartbeat (RFC 6455 section 5.5.3) and proves nothing.
func (k *socket) ponged(payload string) error {
	n, err := strconv.Atoi(payload)
	k.p.mu.Lock()
	defer k.p.mu.Unlock()
	if err == nil && n == k.pings {
		k.pong = n
	}
	return nil
}
