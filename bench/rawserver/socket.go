package rawserver

import (
	"bufio"
	"crypto/sha1" // RFC 6455 section 4.2.2
	"encoding/base64"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"

	"github.com/gobwas/ws"
)

// A socket is a WebSocket.
type socket struct {
	net.Conn
	in *bufio.Reader
	mu sync.Mutex // of the writers
}

// upgrade makes a connection a WebSocket.
func upgrade(c net.Conn, in *bufio.Reader, r *http.Request) *socket {
	sum := sha1.Sum([]byte(r.Header.Get("Sec-WebSocket-Key") + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"))
	fmt.Fprintf(c, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: %s\r\n\r\n",
		base64.StdEncoding.EncodeToString(sum[:]))
	return &socket{Conn: c, in: in}
}

// read returns the next message, and answers what controls.
func (k *socket) read(buf []byte) ([]byte, error) {
	for {
		h, err := ws.ReadHeader(k.in)
		if err != nil {
			return nil, err
		}
		if int64(cap(buf)) < h.Length {
			buf = make([]byte, h.Length)
		}
		b := buf[:h.Length]
		if _, err := io.ReadFull(k.in, b); err != nil {
			return nil, err
		}
		ws.Cipher(b, h.Mask, 0)
		switch h.OpCode {
		case ws.OpText:
			return b, nil
		case ws.OpPing:
			_ = k.send(ws.MustCompileFrame(ws.NewPongFrame(b)))
		case ws.OpClose:
			_ = k.send(ws.MustCompileFrame(ws.NewCloseFrame(b)))
			return nil, io.EOF
		}
	}
}

// frame makes the bytes of a message.
func (k *socket) frame(b []byte) []byte { return ws.MustCompileFrame(ws.NewTextFrame(b)) }

// write sends a message. That it failed the reader finds out.
func (k *socket) write(b []byte) { _ = k.send(k.frame(b)) }

func (k *socket) send(frame []byte) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	_, err := k.Conn.Write(frame)
	return err
}
