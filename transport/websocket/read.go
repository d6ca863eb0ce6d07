package websocket

import (
	"errors"
	"io"
	"time"

	ws "github.com/gorilla/websocket"

	"github.com/turold/turold/bayeux"
	"github.com/turold/turold/internal/mono"
	"github.com/turold/turold/internal/wire"
	"github.com/turold/turold/transport"
)

var errServerClosed = errors.New("the server closed the WebSocket")

// busyGap is the longest time between two arrivals on a socket that counts as busy: its
// reader waits where it is. The reader of any other waits in a goroutine with the
// smallest stack, whose start costs some 2 µs.
const busyGap = 100 * time.Millisecond

// read hands up messages until the socket ends, or until nothing is there: then
// another goroutine goes on.
func (k *socket) read() {
	for {
		if k.frames.isEmpty() && !k.waitInput() {
			return
		}
		_, r, err := k.conn.NextReader()
		if k.frames.gaveBlank { // only control frames have come, which gorilla handles
			k.frames.gaveBlank = false
			continue
		}
		e := readError(err)
		if err == nil {
			e = k.onMessage(r)
		}
		if e != nil {
			k.frames.releaseBuffer()
			k.onReaderEnd(e)
			return
		}
	}
}

// waitInput returns true when something is there to be read, and false if it has left
// the waiting to another goroutine.
func (k *socket) waitInput() bool {
	now := mono.Now()
	rare := now.Sub(k.waitedAt) > busyGap
	k.waitedAt = now
	if !rare {
		k.frames.fill()
		return true
	}
	if k.frames.fillNoWait(); k.frames.isEmpty() {
		k.p.wg.Go(k.waitIdle)
		return false
	}
	return true
}

// waitIdle waits with nothing else on its stack, which every idle socket keeps, and
// then becomes the reader.
func (k *socket) waitIdle() {
	k.raw.peek()
	k.frames.fill() // with the rest of a record of TLS
	k.read()
}

// onMessage hands up the batch in one WebSocket message. An empty one, or one of white
// space, is a heartbeat of some servers; a binary one is read as a text one is.
func (k *socket) onMessage(r io.Reader) *transport.Error {
	b, err := wire.ReadWhole(r, k.p.limits.Bytes, "a message")
	if errors.Is(err, bayeux.ErrTooLarge) {
		return k.skipTooLarge(r, err)
	}
	if err != nil {
		return readError(err)
	}
	if wire.IsBlank(b) {
		return nil
	}
	ms, err := wire.Decode(b, k.p.limits.Limits)
	if err != nil {
		return &transport.Error{Op: "decode", Err: err}
	}
	k.handUp(ms)
	return nil
}

// skipTooLarge reads past the rest of a message that is too large, keeps nothing of it,
// and hands up an unreadable message in its place. One that is longer still than all
// that may wait for an acknowledgement ends the socket: it may have no end.
func (k *socket) skipTooLarge(r io.Reader, tooLarge error) *transport.Error {
	switch _, err := io.CopyN(io.Discard, r, int64(k.p.limits.Unacknowledged)); {
	case err == nil:
		return readError(tooLarge)
	case err != io.EOF: //nolint:errorlint // io.Copy gives it as it is
		return readError(err)
	}
	k.handUp([]bayeux.Message{{Meta: &bayeux.Meta{Unreadable: tooLarge}}})
	return nil
}

func (k *socket) handUp(ms []bayeux.Message) {
	if len(ms) > 0 && k.onArrival() {
		k.p.h.Receive(k.id, ms)
	}
}

// onArrival takes note that messages have come, and reports whether they are to be
// handed up: the socket was not cut meanwhile.
func (k *socket) onArrival() bool {
	k.p.mu.Lock()
	defer k.p.mu.Unlock()
	k.lastBatch = 0
	return k.endErr == nil
}

// readError returns the Error of a read, nil for a nil err: Op "close" for a close
// frame of the server, whose text it leaves out because that may be anything, and Op
// "read" for a connection that broke.
func readError(err error) *transport.Error {
	if err == nil {
		return nil
	}
	var c *ws.CloseError
	if !errors.As(err, &c) {
		return &transport.Error{Op: "read", Err: unwrapped(err)}
	}
	if c.Code == ws.CloseAbnormalClosure { // gorilla's code for: no close frame came
		return &transport.Error{Op: "read", Err: io.ErrUnexpectedEOF}
	}
	return &transport.Error{Op: "close", Status: c.Code, Err: errServerClosed}
}
