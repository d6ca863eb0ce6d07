package websocket

import (
	"errors"
	"io"

	ws "github.com/gorilla/websocket"

	"github.com/turold/turold/transport"
)

var (
	errNotText  = errors.New("a binary message")
	errClosedBy = errors.New("the server closed the WebSocket")
)

// read hands up messages until the socket ends. It does no more than wait,
// since what is on the stack there is kept by every idle socket.
func (k *socket) read() *transport.Error {
	for {
		kind, r, err := k.conn.NextReader()
		if err != nil {
			return readError(err)
		}
		if err := k.take(kind, r); err != nil {
			return err
		}
	}
}

// take hands up one message.
func (k *socket) take(kind int, r io.Reader) *transport.Error {
	b, err := transport.ReadWhole(r, k.p.limits.Bytes, "a message")
	if err != nil {
		return readError(err)
	}
	if kind != ws.TextMessage {
		return &transport.Error{Op: "decode", Err: errNotText}
	}
	ms, err := transport.Decode(b, k.p.limits.Limits)
	if err != nil {
		return &transport.Error{Op: "decode", Err: err}
	}
	if len(ms) > 0 && k.wanted() {
		k.p.h.Receive(k.id, ms)
	}
	return nil
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
	var c *ws.CloseError
	if !errors.As(err, &c) {
		return &transport.Error{Op: "read", Err: plain(err)}
	}
	if c.Code == ws.CloseAbnormalClosure { // there was none
		return &transport.Error{Op: "read", Err: io.ErrUnexpectedEOF}
	}
	return &transport.Error{Op: "close", Status: c.Code, Err: errClosedBy}
}
