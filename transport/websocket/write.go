package websocket

import (
	"sync"
	"time"

	ws "github.com/gorilla/websocket"

	"github.com/turold/turold/bayeux"
	"github.com/turold/turold/internal/wire"
	"github.com/turold/turold/transport"
)

// wake makes a draw due. Called with p.mu held.
func (k *socket) wake() {
	k.wakes.Add()
	k.wakeIfDue()
}

// wakeIfDue starts a pump, unless one runs or the socket is not open. Called
// with p.mu held.
func (k *socket) wakeIfDue() {
	if k.conn != nil && !k.gone && k.wakes.Start() {
		k.p.wg.Go(k.pump)
	}
}

// pump draws and writes until there is nothing. It is the only writer of
// messages, and lives while there is something to write.
func (k *socket) pump() {
	for k.more() {
		for _, lane := range []transport.Lane{transport.LaneCommands, transport.LaneConnect} {
			for {
				batch := k.draw(lane)
				if len(batch) == 0 {
					break
				}
				k.write(batch)
			}
		}
	}
}

// more takes the wake-ups. The pump stops in the same instant in which it finds
// none, so that none is lost.
func (k *socket) more() bool {
	p := k.p
	p.mu.Lock()
	more, closing := k.wakes.Take(!k.gone), k.draining
	p.mu.Unlock()
	if more && closing {
		k.bye()
		return k.more()
	}
	return more
}

// draw asks for one batch. If the socket ends meanwhile, the report is the
// pump's to make.
func (k *socket) draw(lane transport.Lane) []bayeux.Message {
	p := k.p
	p.mu.Lock()
	if k.gone || k.draining || k.err != nil {
		p.mu.Unlock()
		return nil
	}
	k.drawing = true
	leg := transport.Leg{ID: k.id, Type: transport.WebSocket, Hold: transport.DefaultHold, Limit: int(p.limit)}
	p.mu.Unlock()
	batch := p.h.Next(lane, leg)
	p.mu.Lock()
	k.drawing = false
	gone, err := k.gone, k.err
	p.mu.Unlock()
	if gone {
		p.h.End(k.id, err)
		return nil
	}
	return batch
}

var frames = sync.Pool{New: func() any { return new([]byte) }}

func (k *socket) write(batch []bayeux.Message) {
	frame := frames.Get().(*[]byte)
	defer frames.Put(frame)
	b := bayeux.Append((*frame)[:0], batch)
	if cap(b) <= writeBuffer {
		*frame = b
	}
	if !k.writes(batch, len(b)) {
		return
	}
	_ = k.conn.SetWriteDeadline(time.Now().Add(writeTime))
	if err := k.conn.WriteMessage(ws.TextMessage, b); err != nil {
		k.broken(err)
	}
}

// writes takes down that a batch of n bytes leaves now; false: the socket was cut before.
func (k *socket) writes(batch []bayeux.Message, n int) bool {
	k.p.mu.Lock()
	defer k.p.mu.Unlock()
	if k.err != nil || k.gone {
		return false
	}
	k.wrote = true
	if k.last = n; n > k.largest {
		k.largest = n
		if n > wire.MinBatch { // what is smaller is not refused for its size
			k.biggest = wire.IDs(batch)
		}
	}
	return true
}

// broken ends a socket that cannot be written to. A server that refuses what it
// gets says why and then resets the connection: there is a moment to read that.
// Another socket is dialled when that is over: until then a connect is out on this one.
func (k *socket) broken(err error) {
	k.p.mu.Lock()
	defer k.p.mu.Unlock()
	if k.err != nil || k.gone {
		return
	}
	if timedOut(err) {
		k.fail("write", err)
		return
	}
	k.err = &transport.Error{Op: "write", Err: err} // unless the reader knows better, see verdict
	_ = k.conn.SetReadDeadline(time.Now().Add(drainTime))
}

// drain has the pump send the close frame. Called with p.mu held.
func (k *socket) drain() {
	k.draining = true
	k.leave()
	_ = k.conn.SetReadDeadline(time.Now().Add(drainTime))
	k.wake()
}

// bye sends the close frame (RFC 6455 section 7.1.2). Should it not get
// through, the reader's deadline ends the socket.
func (k *socket) bye() {
	frame := ws.FormatCloseMessage(ws.CloseNormalClosure, "")
	_ = k.conn.WriteControl(ws.CloseMessage, frame, time.Now().Add(drainTime))
}
