package websocket

import (
	"bytes"
	"errors"
	"io"
	"time"

	ws "github.com/gorilla/websocket"

	"github.com/turold/turold/bayeux"
	"github.com/turold/turold/internal/mono"
	"github.com/turold/turold/internal/wire"
	"github.com/turold/turold/transport"
)

var errClosedBy = errors.New("the server closed the WebSocket")

// often is how soon something must follow something else for the reader to wait
// where it is. After longer it waits in a goroutine that has the least of a stack,
// which costs some 2 µs.
const often = 100 * time.Millisecond

// read hands up messages until the socket ends, or until there is none: then it
// leaves the rest to another goroutine.
func (k *socket) read() {
	for {
		if k.in.empty() && !k.wait() {
			return
		}
		_, r, err := k.conn.NextReader()
		if k.in.blank { // nothing has come but control frames, which are gorilla's
			k.in.blank = false
			continue
		}
		e := readError(err)
		if err == nil {
			e = k.take(r)
		}
		if e != nil {
			k.in.release()
			k.ended(e)
			return
		}
	}
}

// wait returns true when something is there, and false if another goroutine
// waits for that.
func (k *socket) wait() bool {
	now := mono.Now()
	rare := now.Sub(k.waited) > often
	k.waited = now
	if !rare {
		k.in.fill()
		return true
	}
	if k.in.fillDry(); k.in.empty() {
		k.p.wg.Go(k.rest)
		return false
	}
	return true
}

// rest waits with nothing else on its stack, since what is there is kept by every
// idle socket.
func (k *socket) rest() {
	k.bottom.wait()
	k.in.fill() // the rest of a record of TLS as well
	k.read()
}

// take hands up the messages of one WebSocket message. One that is empty, or white
// space, is some server's heartbeat, and JSON is JSON in a binary one as well.
func (k *socket) take(r io.Reader) *transport.Error {
	b, err := wire.ReadWhole(r, k.p.limits.Bytes, "a message")
	if errors.Is(err, bayeux.ErrTooLarge) {
		return k.pass(r, err)
	}
	if err != nil {
		return readError(err)
	}
	if len(bytes.TrimLeft(b, " \t\r\n")) == 0 {
		return nil
	}
	ms, err := wire.Decode(b, k.p.limits.Limits)
	if err != nil {
		return &transport.Error{Op: "decode", Err: err}
	}
	k.handUp(ms)
	return nil
}

// pass reads past the rest of a message that is too large, keeps nothing of it, and
// hands up in its place that there was one. What is longer still than all that may wait for an
// acknowledgement ends the socket: it may have no end.
func (k *socket) pass(r io.Reader, tooLarge error) *transport.Error {
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
	if len(ms) > 0 && k.wanted() {
		k.p.h.Receive(k.id, ms)
	}
}

// wanted reports whether the socket was not cut meanwhile.
func (k *socket) wanted() bool {
	k.p.mu.Lock()
	defer k.p.mu.Unlock()
	k.last = 0
	return k.err == nil
}

// readError tells the server's close frame from a connection that broke, and
// keeps the text of the frame: it may hold anything.
func readError(err error) *transport.Error {
	if err == nil {
		return nil
	}
	var c *ws.CloseError
	if !errors.As(err, &c) {
		return &transport.Error{Op: "read", Err: unwrapped(err)}
	}
	if c.Code == ws.CloseAbnormalClosure { // there was none
		return &transport.Error{Op: "read", Err: io.ErrUnexpectedEOF}
	}
	return &transport.Error{Op: "close", Status: c.Code, Err: errClosedBy}
}
