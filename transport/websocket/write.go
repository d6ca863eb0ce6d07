package websocket

import (
	"sync"
	"time"

	ws "github.com/gorilla/websocket"

	"github.com/turold/turold/bayeux"
	"github.com/turold/turold/internal/wire"
	"github.com/turold/turold/transport"
)

// wake takes note of a wake-up. Called with p.mu held.
func (k *socket) wake() {
	k.wakes.Add()
	k.startPump()
}

// startPump starts the pump if a wake-up is pending, unless it runs already or the
// socket is not open. Called with p.mu held.
func (k *socket) startPump() {
	if k.conn != nil && !k.readerGone && k.wakes.Start() {
		k.p.wg.Go(k.pump)
	}
}

// pump draws and writes until there is nothing. It is the only writer of
// messages, and lives while there is something to write.
func (k *socket) pump() {
	for k.takeWakes() {
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

// takeWakes takes the pending wake-ups, and sends the close frame in their place while
// the socket drains. It reports whether the pump goes on.
func (k *socket) takeWakes() bool {
	p := k.p
	p.mu.Lock()
	more, closing := k.wakes.Take(!k.readerGone), k.draining
	p.mu.Unlock()
	if more && closing {
		k.sendClose()
		return k.takeWakes()
	}
	return more
}

// draw asks the Handler for one batch. If the socket ends meanwhile, draw calls
// Handler.End.
func (k *socket) draw(lane transport.Lane) []bayeux.Message {
	p := k.p
	p.mu.Lock()
	if k.readerGone || k.draining || k.endErr != nil {
		p.mu.Unlock()
		return nil
	}
	k.inNext = true
	leg := transport.Leg{ID: k.id, Type: transport.WebSocket, Hold: transport.DefaultHold, Limit: int(p.limit)}
	p.mu.Unlock()
	batch := p.h.Next(lane, leg)
	p.mu.Lock()
	k.inNext = false
	ended, err := k.readerGone, k.endErr
	p.mu.Unlock()
	if ended {
		p.h.End(k.id, err)
		return nil
	}
	return batch
}

var batchBuffers = sync.Pool{New: func() any { return new([]byte) }}

func (k *socket) write(batch []bayeux.Message) {
	frame := batchBuffers.Get().(*[]byte)
	defer batchBuffers.Put(frame)
	b := bayeux.Append((*frame)[:0], batch)
	if cap(b) <= writeBufferSize {
		*frame = b
	}
	if !k.beginWrite(batch, len(b)) {
		return
	}
	_ = k.conn.SetWriteDeadline(time.Now().Add(writeTimeout))
	if err := k.conn.WriteMessage(ws.TextMessage, b); err != nil {
		k.onWriteError(err)
	}
}

// beginWrite takes note that a batch of n bytes is written now. It returns false if the
// socket ended before: the batch must not be written then.
func (k *socket) beginWrite(batch []bayeux.Message, n int) bool {
	k.p.mu.Lock()
	defer k.p.mu.Unlock()
	if k.endErr != nil || k.readerGone {
		return false
	}
	k.batchWritten = true
	if k.lastBatch = n; n > k.largestBatch {
		k.largestBatch = n
		if n > wire.MinBatch { // no server refuses a smaller one for its size
			k.largestIDs = wire.IDs(batch)
		}
	}
	return true
}

// onWriteError ends a socket that cannot be written to. A server that refuses what it
// got says why and then resets the connection, so the reader has a moment to read that.
// The next socket is dialled only after it: until then a connect is out on this one.
func (k *socket) onWriteError(err error) {
	k.p.mu.Lock()
	defer k.p.mu.Unlock()
	if k.endErr != nil || k.readerGone {
		return
	}
	if timedOut(err) {
		k.fail("write", err)
		return
	}
	k.endErr = &transport.Error{Op: "write", Err: err} // unless the reader knows better, see endError
	_ = k.conn.SetReadDeadline(time.Now().Add(drainTimeout))
}

// drain makes the pump send the close frame. Called with p.mu held.
func (k *socket) drain() {
	k.draining = true
	k.detach()
	_ = k.conn.SetReadDeadline(time.Now().Add(drainTimeout))
	k.wake()
}

// sendClose sends the close frame (RFC 6455 section 7.1.2). If the write fails, the
// deadline of the reader ends the socket.
func (k *socket) sendClose() {
	frame := ws.FormatCloseMessage(ws.CloseNormalClosure, "")
	_ = k.conn.WriteControl(ws.CloseMessage, frame, time.Now().Add(drainTimeout))
}
