package memnet

import (
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"syscall"
	"time"
)

// window is how much may be on its way in one direction before writers wait.
const window = 64 << 10

// A half is one direction of a connection.
type half struct {
	delay func() time.Duration
	sent  *meter    // of all connections to the address
	cut   func(Cut) // makes a cut that this direction has come to

	mu     sync.Mutex
	cond   *sync.Cond
	chunks []chunk
	size   int
	held   bool      // stalled
	eof    bool      // the writer closed; what is on its way still arrives
	gone   bool      // the reader closed: writes fail
	err    error     // reset
	abrupt bool      // the writer's end is a reset
	lost   bool      // what is written goes nowhere: it was cut
	mute   bool      // and the reader is not told
	last   error     // what the reader is told behind what has arrived
	read   deadline  // the reader's
	write  deadline  // the writer's
	latest time.Time // arrival of the last chunk: order is kept when the latency shrinks
	due    time.Time // when a reader is woken for the next one; zero: it is not
}

// A chunk arrives whole at an instant.
type chunk struct {
	b  []byte
	at time.Time
}

type deadline struct {
	at    time.Time
	timer *time.Timer
}

func (d *deadline) passed(now time.Time) bool { return !d.at.IsZero() && !now.Before(d.at) }

func newHalf(delay func() time.Duration, sent *meter) *half {
	h := &half{delay: delay, sent: sent}
	h.cond = sync.NewCond(&h.mu)
	return h
}

// arrive has the reader woken when the next chunk is there. Each wait asks for
// it, and one timer does: every one that fires has readers ask again.
func (h *half) arrive(at, now time.Time) {
	if h.due.Equal(at) {
		return
	}
	h.due = at
	time.AfterFunc(at.Sub(now), func() {
		h.mu.Lock()
		if h.due.Equal(at) {
			h.due = time.Time{}
		}
		h.mu.Unlock()
		h.wake()
	})
}

// wake has those who wait look again.
func (h *half) wake() {
	h.mu.Lock()
	h.cond.Broadcast()
	h.mu.Unlock()
}

func (h *half) hold(on bool) {
	h.mu.Lock()
	h.held = on
	h.cond.Broadcast()
	h.mu.Unlock()
}

// take is Read.
func (h *half) take(p []byte) (int, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for {
		now := time.Now()
		switch {
		case h.gone:
			return 0, net.ErrClosed
		case h.err != nil:
			return 0, h.err
		case h.read.passed(now):
			return 0, os.ErrDeadlineExceeded
		case len(p) == 0:
			return 0, nil
		case h.held:
		case len(h.chunks) > 0 && !now.Before(h.chunks[0].at):
			return h.pop(p), nil
		case len(h.chunks) > 0:
			h.arrive(h.chunks[0].at, now)
		case h.mute:
		case h.last != nil:
			return 0, h.last
		case h.eof:
			return 0, io.EOF
		}
		h.cond.Wait()
	}
}

func (h *half) pop(p []byte) int {
	c := &h.chunks[0]
	n := copy(p, c.b)
	c.b = c.b[n:]
	h.size -= n
	if len(c.b) == 0 {
		h.chunks = h.chunks[1:]
	}
	h.cond.Broadcast()
	return n
}

// put is Write.
func (h *half) put(p []byte) (n int, err error) {
	delay := h.delay()
	h.mu.Lock()
	defer h.mu.Unlock()
	for len(p) > 0 {
		switch {
		case h.err != nil:
			return n, h.err
		case h.eof:
			return n, net.ErrClosed
		case h.gone:
			return n, os.NewSyscallError("write", syscall.EPIPE)
		case h.write.passed(time.Now()):
			return n, os.ErrDeadlineExceeded
		case h.lost && !h.mute:
			if h.last != nil && !errors.Is(h.last, io.EOF) {
				return n, h.last
			}
			return n + len(p), nil
		case h.size >= window:
			h.cond.Wait()
			continue
		}
		k := min(len(p), window-h.size)
		h.send(p[:k], time.Now().Add(delay))
		h.size, n, p = h.size+k, n+k, p[k:]
	}
	return n, nil
}

// send has bytes arrive at an instant, those that pass.
func (h *half) send(p []byte, at time.Time) {
	if h.lost {
		return
	}
	if at.Before(h.latest) {
		at = h.latest
	}
	h.latest = at
	n, how, cut := h.sent.pass(len(p), at)
	if n > 0 {
		h.chunks = append(h.chunks, chunk{append([]byte(nil), p[:n]...), at})
	}
	if cut {
		h.lose(how, at)
	}
	h.cond.Broadcast()
}

// end marks the half as closed by its writer, its reader, or broken.
func (h *half) end(f func()) {
	h.mu.Lock()
	defer h.mu.Unlock()
	f()
	h.cond.Broadcast()
}

func (h *half) set(d *deadline, t time.Time) {
	h.mu.Lock()
	defer h.mu.Unlock()
	d.at = t
	if d.timer != nil {
		d.timer.Stop()
		d.timer = nil
	}
	// What is over already needs no timer. Those of a bubble that fire at once do so
	// on the goroutines that set them, and the race detector breaks on two at a time.
	if left := time.Until(t); !t.IsZero() && left > 0 {
		d.timer = time.AfterFunc(left, h.wake)
	}
	h.cond.Broadcast()
}

type conn struct {
	r, w          *half
	local, remote Addr
	closed        func() // nil at the server's end
}

func (c *conn) Read(p []byte) (int, error) {
	n, err := c.r.take(p)
	return n, c.wrap("read", err)
}

func (c *conn) Write(p []byte) (int, error) {
	n, err := c.w.put(p)
	return n, c.wrap("write", err)
}

func (c *conn) wrap(op string, err error) error {
	if err == nil || errors.Is(err, io.EOF) {
		return err
	}
	return &net.OpError{Op: op, Net: "mem", Source: c.local, Addr: c.remote, Err: err}
}

// SetLinger with zero has Close discard what is held back, and the other side read
// a reset behind what has left. Any other value changes nothing.
func (c *conn) SetLinger(sec int) error {
	c.w.end(func() { c.w.abrupt = sec == 0 })
	return nil
}

// Close lets what was written arrive and fails what the other side writes.
func (c *conn) Close() error {
	c.w.end(func() {
		c.w.eof = true
		if !c.w.abrupt {
			return
		}
		if c.w.last = syscall.ECONNRESET; c.w.held {
			c.w.chunks, c.w.size = nil, 0
		}
	})
	c.r.end(func() { c.r.gone = true; c.r.chunks, c.r.size = nil, 0 })
	c.stopTimers()
	if c.closed != nil {
		c.closed()
	}
	return nil
}

func (c *conn) stopTimers() {
	c.r.set(&c.r.read, time.Time{})
	c.w.set(&c.w.write, time.Time{})
}

// reset is what a RST does: both ends fail at once, nothing on its way arrives.
func (c *conn) reset() {
	for _, h := range []*half{c.r, c.w} {
		h.end(func() {
			if h.err == nil {
				h.err = syscall.ECONNRESET
			}
			h.chunks, h.size = nil, 0
		})
	}
	if c.closed != nil {
		c.closed()
	}
}

func (c *conn) LocalAddr() net.Addr  { return c.local }
func (c *conn) RemoteAddr() net.Addr { return c.remote }

func (c *conn) SetDeadline(t time.Time) error {
	_ = c.SetReadDeadline(t)
	return c.SetWriteDeadline(t)
}

func (c *conn) SetReadDeadline(t time.Time) error {
	c.r.set(&c.r.read, t)
	return nil
}

func (c *conn) SetWriteDeadline(t time.Time) error {
	c.w.set(&c.w.write, t)
	return nil
}
