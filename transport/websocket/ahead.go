package websocket

import (
	"net"
	"sync"
)

const (
	// readBuffer is gorilla's own, which each socket keeps: large enough for
	// what comes now and then.
	readBuffer = 512
	// readAhead is for sockets on which more comes than fits there.
	readAhead = 16 << 10
)

var aheads = sync.Pool{New: func() any { return new([readAhead]byte) }}

// A bounded connection is what gorilla reads from. Until the upgrade is done it
// gives out no more than left bytes. Afterwards (left below zero) it reads ahead
// once a read has filled gorilla's buffer, so that an idle socket keeps a small
// one and a busy one does with few system calls. Its Close closes what is below
// TLS, which never blocks.
type bounded struct {
	net.Conn
	raw  net.Conn
	left int

	full  bool             // the last read left nothing of its buffer: more may be there
	ahead *[readAhead]byte // nil: nothing was read ahead
	rest  []byte           // of ahead, not given out yet
}

// Read waits in a frame of its own: a goroutine that waits deeper keeps a stack
// of twice the size.
func (b *bounded) Read(p []byte) (int, error) {
	switch {
	case b.left >= 0:
		return b.begin(p)
	case len(b.rest) > 0 || b.full && len(p) < readAhead:
		return b.readAhead(p)
	}
	n, err := b.Conn.Read(p)
	b.full = n == len(p) && n <= readBuffer // more goes past gorilla's buffer
	return n, err
}

func (b *bounded) begin(p []byte) (int, error) {
	if b.left == 0 {
		return 0, errHeader
	}
	n, err := b.Conn.Read(p[:min(len(p), b.left)])
	b.left -= n
	return n, err
}

// cause is err, or what it must be due to: a line that the bound has cut looks
// like a line that is no header's.
func (b *bounded) cause(err error) error {
	if err != nil && b.left == 0 {
		return errHeader
	}
	return err
}

// readAhead gives out what was read ahead, and reads first if that is nothing.
func (b *bounded) readAhead(p []byte) (int, error) {
	if len(b.rest) == 0 {
		if b.ahead == nil {
			b.ahead = aheads.Get().(*[readAhead]byte)
		}
		n, err := b.Conn.Read(b.ahead[:])
		b.rest, b.full = b.ahead[:n], n == readAhead
		if n == 0 { // beside bytes, an error comes again with the next read
			return 0, err
		}
	}
	n := copy(p, b.rest)
	b.rest = b.rest[n:]
	if len(b.rest) == 0 && !b.full {
		aheads.Put(b.ahead)
		b.ahead = nil
	}
	return n, nil
}

func (b *bounded) Close() error { return b.raw.Close() }
