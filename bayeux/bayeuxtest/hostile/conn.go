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

// A conn is one side of a connection as the server sees it: what it reads has
// come from the client, and what it writes goes there.
type conn struct {
	net.Conn
	l        *Listener
	f        Fault
	upgraded atomic.Bool
	idle     *time.Timer
	life     *time.Timer
	once     sync.Once

	request  []byte // up to the end of its head; nil: it was looked at
	up, down frames
	waiting  []byte // read and not given to the server yet

	writing  chan struct{} // a lock that testing/synctest can wait for; guards what follows
	response []byte        // up to the end of its head
	answered bool          // the head of the 101 has passed
	passed   int           // bytes after it
	block    []byte
}

func newConn(l *Listener, inner net.Conn, f Fault) *conn {
	c := &conn{Conn: inner, l: l, f: f, request: []byte{}, writing: make(chan struct{}, 1)}
	if f.Lifetime > 0 {
		c.life = time.AfterFunc(f.Lifetime, func() { _ = inner.Close() })
	}
	if f.Idle > 0 {
		c.idle = time.AfterFunc(f.Idle, func() { _ = inner.Close() })
	}
	return c
}

// Close ends the connection.
func (c *conn) Close() error {
	c.once.Do(func() {
		c.l.forget(c)
		for _, t := range []*time.Timer{c.life, c.idle} {
			if t != nil {
				t.Stop()
			}
		}
	})
	return c.Conn.Close()
}

func (c *conn) touch() {
	if c.idle != nil {
		c.idle.Reset(c.f.Idle)
	}
}

// Read brings what the client sent, as far as it arrives.
func (c *conn) Read(p []byte) (int, error) {
	for len(c.waiting) == 0 {
		b := make([]byte, max(len(p), 1))
		n, err := c.Conn.Read(b)
		if n > 0 {
			c.touch()
			if err := c.took(b[:n]); err != nil {
				return 0, err
			}
		}
		if err != nil && len(c.waiting) == 0 {
			return 0, err
		}
	}
	n := copy(p, c.waiting)
	c.waiting = c.waiting[n:]
	return n, nil
}

// took looks at what came.
func (c *conn) took(b []byte) error {
	if c.upgraded.Load() {
		c.up.split(b, func(frame int, b []byte) {
			lost := c.f.DropFirst && frame == 1 || c.f.MuteUp && frame > c.f.After
			if !lost {
				c.waiting = append(c.waiting, b...)
			}
		})
		return nil
	}
	if bytes.HasPrefix(b, []byte("POST ")) || bytes.HasPrefix(b, []byte("GET ")) {
		c.request = []byte{}
	}
	c.waiting = append(c.waiting, b...)
	if c.request == nil {
		return nil
	}
	c.request = append(c.request, b...)
	head, _, whole := bytes.Cut(c.request, []byte("\r\n\r\n"))
	if !whole {
		return nil
	}
	c.request = nil
	f := c.l.now()
	if !strings.Contains(strings.ToLower(string(head)), "upgrade: websocket") {
		return c.stands(f.HTTP)
	}
	if f.Hang {
		_, _ = io.Copy(io.Discard, c.Conn) // until it gives up
		return io.EOF
	}
	if err := c.stands(f.Upgrade); err != nil {
		return err
	}
	c.f = f
	c.upgraded.Store(true)
	return nil
}

// stands answers in the server's place, if there is an answer.
func (c *conn) stands(a *Answer) error {
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
	c.waiting = nil
	_ = c.Conn.Close()
	return io.EOF
}

// Write sends what the server says, as far as it arrives.
func (c *conn) Write(p []byte) (int, error) {
	c.writing <- struct{}{}
	defer func() { <-c.writing }()
	c.touch()
	out := p
	if c.upgraded.Load() {
		out = c.gave(p)
	} else if c.f.Late > 0 {
		time.Sleep(c.f.Late)
	}
	if err := c.send(out); err != nil {
		return 0, err
	}
	if n := c.f.ResetAfter; n > 0 && c.passed >= n && c.upgraded.Load() {
		if r, ok := c.Conn.(interface{ SetLinger(int) error }); ok {
			_ = r.SetLinger(0)
		}
		_ = c.Conn.Close()
		return 0, net.ErrClosed
	}
	return len(p), nil
}

// gave looks at what the server says on a WebSocket: the head of the 101, and
// then frames.
func (c *conn) gave(p []byte) (out []byte) {
	if !c.answered {
		c.response = append(c.response, p...)
		head, rest, whole := bytes.Cut(c.response, []byte("\r\n\r\n"))
		if !whole {
			return nil
		}
		c.answered = true
		if c.f.WrongAccept {
			head = wrong(head)
		}
		out = append(append(out, head...), "\r\n\r\n"...)
		p = rest
	}
	var frames []byte
	c.down.split(p, func(frame int, b []byte) {
		if !c.f.MuteDown || frame <= c.f.After {
			frames = append(frames, b...)
		}
	})
	if n := c.f.ResetAfter; n > 0 {
		frames = frames[:min(len(frames), n-c.passed)]
	}
	c.passed += len(frames)
	if n := c.f.Buffer; n > 0 {
		c.block = append(c.block, frames...)
		whole := len(c.block) / n * n
		frames = bytes.Clone(c.block[:whole])
		c.block = c.block[whole:]
	}
	return append(out, frames...)
}

// wrong puts another's answer to the key into a head.
func wrong(head []byte) []byte {
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
