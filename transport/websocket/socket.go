package websocket

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"slices"
	"time"

	ws "github.com/gorilla/websocket"

	"github.com/turold/turold/internal/mono"
	"github.com/turold/turold/internal/wire"
	"github.com/turold/turold/transport"
)

var (
	errNotOpen = errors.New("the WebSocket was not open yet")

	errNoPong  error = timeoutError("no pong came in time")
	errNoClose error = timeoutError("the server did not close in time")
)

// A timeoutError says which time limit of the pipe ran out.
type timeoutError string

func (e timeoutError) Error() string { return string(e) }

// Timeout is true: see net.Error.
func (timeoutError) Timeout() bool { return true }

// A socket is one leg, from the dial to the end. Its fields but p, id,
// cancel and those of the reader are guarded by the pipe's mutex.
type socket struct {
	p      *pipe
	id     transport.LegID
	cancel context.CancelFunc // of the opening; it does nothing when that is over

	bottom *bottom  // closing it never blocks; nil: not dialled
	conn   *ws.Conn // nil: not open
	in     *inflow  // what conn reads from; the reader's

	waited mono.Time // when the reader last began to wait; the reader's

	opened mono.Time // when the dial began

	beat     *time.Timer
	pings    int
	pong     int  // the last ping that was answered
	awaiting bool // beat is for a pong

	wakes    wire.Wakes // of the pump
	drawing  bool       // it is inside Next
	gone     bool       // the reader has left: the last of reader and pump calls End
	draining bool
	wrote    bool             // the first batch has begun to leave
	largest  int              // bytes of a batch that left
	biggest  []string         // its ids
	last     int              // bytes of the last batch that left; 0: something has arrived since
	err      *transport.Error // why it ends, when that is known before the reader knows
}

// open dials, and hands the socket to a reader on a goroutine of its own: the
// dial's stack has grown for TLS.
func (k *socket) open(ctx context.Context) {
	start := mono.Now()
	conn, err := k.dial(ctx)
	if err != nil {
		k.log("WebSocket failed", start, err)
		k.end(err)
		k.cancel()
		return
	}
	k.log("WebSocket open", start, nil)
	k.opened = start
	p := k.p
	p.mu.Lock()
	defer p.mu.Unlock()
	k.conn = conn
	k.cancel()
	k.cancel = func() {} // an open socket need not keep the context
	if k.err != nil {    // it was cut in the last moment
		k.hangUp()
	}
	conn.SetPongHandler(k.ponged)
	k.beat = time.AfterFunc(p.every, k.ping)
	k.wakeIfDue()
	p.wg.Go(k.read)
}

func (k *socket) ended(err *transport.Error) {
	k.log("WebSocket ended", k.opened, err)
	k.end(err)
}

// fail has the socket end for a reason; the first one counts. Called with p.mu
// held. The reader, or the dial, notices and calls end.
func (k *socket) fail(op string, cause error) {
	if k.err == nil {
		k.err = &transport.Error{Op: op, Err: cause}
	}
	k.leave()
	k.cancel()
	k.hangUp()
}

// hangUp closes the connection, if there is one. What a socket that failed has
// not delivered would come behind what the session sends on its next leg; of a
// pipe that is closed there is none, and a server that has closed the socket
// itself takes nothing more but the answer to that. Called with p.mu held.
func (k *socket) hangUp() {
	if k.bottom == nil {
		return
	}
	if k.err != nil && k.err.Op != "close" && !k.p.closed {
		wire.DiscardUnsent(k.bottom.Conn)
	}
	_ = k.bottom.Close()
}

// leave makes the next Wake dial. Called with p.mu held.
func (k *socket) leave() {
	if k.p.cur == k {
		k.p.cur = nil
	}
}

// end lets go of the socket and reports its end, or leaves the report to the
// pump if that is inside Next.
func (k *socket) end(err *transport.Error) {
	p := k.p
	p.mu.Lock()
	k.gone = true
	k.leave()
	p.all = slices.DeleteFunc(p.all, func(x *socket) bool { return x == k })
	switch {
	case err == nil || k.err != nil && k.err.Op == "cut":
	case err.Op == "close" && err.Status == ws.CloseMessageTooBig:
		p.limit.Lower(k.largest)
		err.TooLarge = k.biggest
	case err.Op != "close" && k.last >= large:
		p.limit.Lower(k.last)
	}
	k.err = k.verdict(err)
	if k.err != nil {
		k.err.Unsent = !k.wrote
	}
	k.hangUp()
	if k.beat != nil {
		k.beat.Stop()
	}
	late, silent := k.drawing, k.err != nil && k.err.Op == "ping"
	p.mu.Unlock()
	if silent {
		p.s.Shared.DropIdleConnections()
	}
	if !late {
		p.h.End(k.id, k.err)
	}
}

// verdict chooses between what the reader saw and what was known before. What
// the server said itself is better than the write that failed by it.
func (k *socket) verdict(err *transport.Error) *transport.Error {
	closed := err != nil && err.Op == "close"
	switch {
	case k.err != nil && k.err.Op == "write" && closed:
		return err
	case k.err != nil:
		return k.err
	case k.draining && closed && (err.Status == ws.CloseNormalClosure || err.Status == ws.CloseNoStatusReceived):
		return nil
	case k.draining && timedOut(err):
		return &transport.Error{Op: "drain", Err: errNoClose}
	}
	return err
}

func timedOut(err error) bool {
	var n net.Error
	return errors.As(err, &n) && n.Timeout()
}

func (k *socket) log(what string, start mono.Time, err *transport.Error) {
	l, level := k.p.s.Logger, slog.LevelDebug
	if !l.Enabled(context.Background(), level) {
		return
	}
	attrs := []slog.Attr{slog.Uint64("leg", uint64(k.id)), slog.Duration("took", mono.Since(start))}
	if err != nil {
		attrs = append(attrs, slog.Any("err", err))
	}
	l.LogAttrs(context.Background(), level, what, attrs...)
}
