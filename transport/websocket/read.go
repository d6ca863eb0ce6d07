package websocket

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"sync"

	ws "github.com/gorilla/websocket"

	"github.com/turold/turold/bayeux"
	"github.com/turold/turold/transport"
)

// pooledBytes: larger buffers are not kept.
const pooledBytes = 64 << 10

var errNotText = errors.New("a binary message")

var buffers = sync.Pool{New: func() any { return new(bytes.Buffer) }}

// read hands up messages until the socket ends.
func (k *socket) read() *transport.Error {
	for {
		kind, r, err := k.conn.NextReader()
		if err != nil {
			return readError(err)
		}
		b, err := whole(r, k.p.limits.Bytes)
		if err != nil {
			return readError(err)
		}
		if kind != ws.TextMessage {
			return &transport.Error{Op: "decode", Err: errNotText}
		}
		ms, err := bayeux.Decode(b, k.p.limits.Limits)
		if err != nil {
			return &transport.Error{Op: "decode", Err: err}
		}
		if len(ms) > 0 && k.wanted() {
			k.p.h.Receive(k.id, ms)
		}
	}
}

// wanted reports whether the socket was not cut meanwhile.
func (k *socket) wanted() bool {
	k.p.mu.Lock()
	defer k.p.mu.Unlock()
	return k.err == nil
}

// whole takes a message of at most limit bytes into memory of its exact size
// that is nobody else's.
func whole(r io.Reader, limit int) ([]byte, error) {
	buf := buffers.Get().(*bytes.Buffer)
	defer func() {
		if buf.Cap() <= pooledBytes {
			buf.Reset()
			buffers.Put(buf)
		}
	}()
	if _, err := buf.ReadFrom(io.LimitReader(r, int64(limit)+1)); err != nil {
		return nil, err
	}
	if buf.Len() > limit {
		return nil, fmt.Errorf("%w: a message of more than %d bytes", bayeux.ErrTooLarge, limit)
	}
	return bytes.Clone(buf.Bytes()), nil
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

var errClosedBy = errors.New("the server closed the WebSocket")
