package websocket

import (
	"net"
	"sync"

	"github.com/turold/turold/internal/wire"
)

const (
	// littleAtOnce and muchAtOnce are the sizes of the buffers for what was read
	// and not given out yet. They are pooled: a socket has one while something is
	// in it, and while it waits for more right behind something else.
	littleAtOnce = 1 << 10
	muchAtOnce   = 16 << 10
)

var (
	littleBuffers = sync.Pool{New: func() any { b := make([]byte, littleAtOnce); return &b }}
	muchBuffers   = sync.Pool{New: func() any { b := make([]byte, muchAtOnce); return &b }}
)

// An inflow is what gorilla reads from. Until the upgrade is done it gives out
// no more than left bytes, one at a time, so that gorilla never holds any of what
// comes behind. Afterwards (left below zero) a read ends where a frame's header
// ends, and where the frame does: with a message gorilla holds nothing of the
// next one, and the socket's reader knows whether anything is there. It never
// waits between messages, for it cannot be called back from there without an
// error: where there is nothing, it gives out a frame that stands for that.
type inflow struct {
	net.Conn
	bottom *bottom // below TLS
	left   int

	frame framing
	blank bool    // a frame was given out that never came
	much  bool    // the last read filled its buffer: more may be there
	buf   *[]byte // pooled; nil: nothing is there
	rest  []byte  // of buf, not given out yet
	err   error   // comes behind rest
}

// blankFrame is an empty text message (RFC 6455 section 5.2).
const blankFrame = "\x81\x00"

func (in *inflow) Read(p []byte) (int, error) {
	switch {
	case in.left >= 0:
		return in.begin(p)
	case !in.empty():
	case in.frame.between():
		in.blank = true
		return copy(p, blankFrame), nil
	case in.much && len(p) >= muchAtOnce && in.frame.left > 0: // nothing is gained by a copy
		n, err := in.Conn.Read(p[:min(int64(len(p)), in.frame.left)])
		in.frame.left -= int64(n)
		return n, err
	default:
		in.fill()
	}
	return in.give(p)
}

// begin gives out one byte of the answer to the upgrade.
func (in *inflow) begin(p []byte) (int, error) {
	if in.left == 0 {
		return 0, wire.ErrHeaderTooLarge
	}
	if in.empty() {
		in.fill()
	}
	n := copy(p[:min(len(p), 1)], in.rest)
	in.left -= n
	return n, in.drop(n)
}

// give gives out what is there, up to the end of the header or of the frame.
func (in *inflow) give(p []byte) (int, error) {
	n := in.frame.pass(in.rest[:min(len(p), len(in.rest))])
	copy(p, in.rest[:n])
	return n, in.drop(n)
}

// drop lets go of what was given out. The error comes when nothing was.
func (in *inflow) drop(n int) error {
	in.rest = in.rest[n:]
	if len(in.rest) == 0 {
		in.release()
	}
	if n == 0 {
		return in.err
	}
	return nil
}

func (in *inflow) release() {
	switch {
	case in.buf == nil:
	case len(*in.buf) == littleAtOnce:
		littleBuffers.Put(in.buf)
	default:
		muchBuffers.Put(in.buf)
	}
	in.buf, in.rest = nil, nil
}

// empty reports that nothing is there to be given out, no error either.
func (in *inflow) empty() bool { return len(in.rest) == 0 && in.err == nil }

// fill waits for something, into a buffer that it holds meanwhile.
func (in *inflow) fill() {
	pool := &littleBuffers
	if in.much {
		pool = &muchBuffers
	}
	in.buf = pool.Get().(*[]byte)
	n, err := in.Conn.Read(*in.buf)
	in.rest, in.err, in.much = (*in.buf)[:n], err, n == len(*in.buf)
	if n == 0 {
		in.release()
	}
}

// fillDry is fill with what TLS has read before, if it has.
func (in *inflow) fillDry() {
	in.bottom.dry = true
	in.fill()
	in.bottom.dry = false
	if in.err == errDry { //nolint:errorlint // it is as the bottom gave it
		in.err = nil
	}
}

// cause is err, or what it must be due to: a line that the bound has cut looks
// like a line that is no header's.
func (in *inflow) cause(err error) error {
	if err != nil && in.left == 0 {
		return wire.ErrHeaderTooLarge
	}
	return err
}

// Close closes what is below TLS, which never blocks.
func (in *inflow) Close() error { return in.bottom.Close() }
