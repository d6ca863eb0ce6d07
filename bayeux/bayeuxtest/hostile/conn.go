package hostile

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// A conn is a connection as the server sees it: the server reads what the client sent,
// and what it writes goes to the client.
type conn struct {
	net.Conn
	l         *Listener
	f         Fault
	upgraded  atomic.Bool
	idleTimer *time.Timer
	lifeTimer *time.Timer
	closeOnce sync.Once

	request  []byte // up to the end of its head; nil: the Fault was applied to it
	up, down frameCounter
	unread   []byte // bytes from the client that the server has not read yet

	writeLock     chan struct{} // a lock that testing/synctest can wait for; it guards the fields below
	response      []byte        // up to the end of its head
	upgradePassed bool          // the head of the 101 has passed
	bytesPassed   int           // bytes after it
	blockBuffer   []byte
}

func newConn(l *Listener, inner net.Conn, f Fault) *conn {
	c := &conn{Conn: inner, l: l, f: f, request: []byte{}, writeLock: make(chan struct{}, 1)}
	if f.Lifetime > 0 {
		c.lifeTimer = time.AfterFunc(f.Lifetime, func() { _ = inner.Close() })
	}
	if f.Idle > 0 {
		c.idleTimer = time.AfterFunc(f.Idle, func() { _ = inner.Close() })
	}
	return c
}

// Close ends the connection.
func (c *conn) Close() error {
	c.closeOnce.Do(func() {
		c.l.forget(c)
		for _, t := range []*time.Timer{c.lifeTimer, c.idleTimer} {
			if t != nil {
				t.Stop()
			}
		}
	})
	return c.Conn.Close()
}

func (c *conn) restartIdleTimer() {
	if c.idleTimer != nil {
		c.idleTimer.Reset(c.f.Idle)
	}
}

// Read returns what the client sent, without the bytes that the Fault takes away.
func (c *conn) Read(p []byte) (int, error) {
	for len(c.unread) == 0 {
		b := make([]byte, max(len(p), 1))
		n, err := c.Conn.Read(b)
		if n > 0 {
			c.restartIdleTimer()
			if err := c.onClientBytes(b[:n]); err != nil {
				return 0, err
			}
		}
		if err != nil && len(c.unread) == 0 {
			return 0, err
		}
	}
	n := copy(p, c.unread)
	c.unread = c.unread[n:]
	return n, nil
}

// onClientBytes applies the Fault to bytes from the client, and appends what is left to
// unread.
func (c *conn) onClientBytes(b []byte) error {
	if c.upgraded.Load() {
		c.up.each(b, func(frame int, b []byte) {
			lost := c.f.DropFirst && frame == 1 || c.f.MuteUp && frame > c.f.After
			if !lost {
				c.unread = append(c.unread, b...)
			}
		})
		return nil
	}
	if bytes.HasPrefix(b, []byte("POST ")) || bytes.HasPrefix(b, []byte("GET ")) {
		c.request = []byte{}
	}
	c.unread = append(c.unread, b...)
	if c.request == nil {
		return nil
	}
	c.request = append(c.request, b...)
	head, _, whole := bytes.Cut(c.request, []byte("\r\n\r\n"))
	if !whole {
		return nil
	}
	c.request = nil
	f := c.l.currentFault()
	if !strings.Contains(strings.ToLower(string(head)), "upgrade: websocket") {
		return c.answerInstead(f.HTTP)
	}
	if f.Hang {
		_, _ = io.Copy(io.Discard, c.Conn) // until it gives up
		return io.EOF
	}
	if err := c.answerInstead(f.Upgrade); err != nil {
		return err
	}
	c.f = f
	c.upgraded.Store(true)
	return nil
}

// answerInstead answers in the place of the server, if a is not nil.
func (c *conn) answerInstead(a *Answer) error {
	if a == nil {
		return nil
	}
	status := a.Status
	if status == 0 {
		status = http.StatusOK
	}
	var b bytes.Buffer
	fmt.Fprintf(&b, "HTTP/1.1 %d %s\r\nContent-Length: %d\r\nConnection: close\r\n", status, http.StatusText(status), len(a.Body))
	_ = a.Header.Write(&b) // into a buffer
	b.WriteString("\r\n" + a.Body)
	_, _ = c.Conn.Write(b.Bytes())
	c.unread = nil
	_ = c.Conn.Close()
	return io.EOF
}

// Write sends what the server writes, without the bytes that the Fault takes away.
func (c *conn) Write(p []byte) (int, error) {
	c.writeLock <- struct{}{}
	defer func() { <-c.writeLock }()
	c.restartIdleTimer()
	out := p
	if c.upgraded.Load() {
		out = c.onServerBytes(p)
	} else if c.f.Late > 0 {
		time.Sleep(c.f.Late)
	}
	if err := c.send(out); err != nil {
		return 0, err
	}
	if n := c.f.ResetAfter; n > 0 && c.bytesPassed >= n && c.upgraded.Load() {
		if r, ok := c.Conn.(interface{ SetLinger(int) error }); ok {
			_ = r.SetLinger(0)
		}
		_ = c.Conn.Close()
		return 0, net.ErrClosed
	}
	return len(p), nil
}

// onServerBytes applies the Fault to what the server writes on a WebSocket, the head of
// the 101 and then frames, and returns what goes to the client.
func (c *conn) onServerBytes(p []byte) (out []byte) {
	if !c.upgradePassed {
		c.response = append(c.response, p...)
		head, rest, whole := bytes.Cut(c.response, []byte("\r\n\r\n"))
		if !whole {
			return nil
		}
		c.upgradePassed = true
		if c.f.WrongAccept {
			head = withWrongAccept(head)
		}
		out = append(append(out, head...), "\r\n\r\n"...)
		p = rest
	}
	var frames []byte
	c.down.each(p, func(frame int, b []byte) {
		if !c.f.MuteDown || frame <= c.f.After {
			frames = append(frames, b...)
		}
	})
	if n := c.f.ResetAfter; n > 0 {
		frames = frames[:min(len(frames), n-c.bytesPassed)]
	}
	c.bytesPassed += len(frames)
	if n := c.f.Buffer; n > 0 {
		c.blockBuffer = append(c.blockBuffer, frames...)
		whole := len(c.blockBuffer) / n * n
		frames = bytes.Clone(c.blockBuffer[:whole])
		c.blockBuffer = c.blockBuffer[whole:]
	}
	return append(out, frames...)
}

// withWrongAccept returns a head with the Sec-WebSocket-Accept of another key.
func withWrongAccept(head []byte) []byte {
	lines := strings.Split(string(head), "\r\n")
	for i, l := range lines {
		if strings.HasPrefix(strings.ToLower(l), "sec-websocket-accept:") {
			lines[i] = "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
		}
	}
	return []byte(strings.Join(lines, "\r\n"))
}

func (c *conn) send(b []byte) error {
	if c.f.Trickle == 0 {
		if len(b) == 0 {
			return nil
		}
		_, err := c.Conn.Write(b)
		return err
	}
	for i := range b {
		time.Sleep(c.f.Trickle)
		if _, err := c.Conn.Write(b[i : i+1]); err != nil {
			return err
		}
	}
	return nil
}
