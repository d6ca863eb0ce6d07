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

// A socket is one leg, from the dial to the end. The pipe's mutex guards its fields,
// except p, id, cancel and those that only the reader uses.
type socket struct {
	p      *pipe
	id     transport.LegID
	cancel context.CancelFunc // ends the dial; it does nothing once that is over

	raw    *rawConn   // closing it never blocks; nil: not dialled
	conn   *ws.Conn   // nil: not open
	frames *frameConn // what conn reads from; only the reader uses it

	waitedAt mono.Time // when the reader last began to wait; only the reader uses it

	dialledAt mono.Time // when the dial began

	pingTimer    *time.Timer
	pingsSent    int
	lastPong     int  // the number of the last ping that was answered
	awaitingPong bool // pingTimer runs for a pong

	wakes        wire.Wakes // a draw is due, the pump runs
	inNext       bool       // the pump is inside Handler.Next
	readerGone   bool       // the reader has ended; whichever of reader and pump ends last calls Handler.End
	draining     bool
	batchWritten bool             // the write of a batch has begun
	largestBatch int              // bytes of the largest batch that was written
	largestIDs   []string         // the ids of that batch
	lastBatch    int              // bytes of the last batch that was written; 0: something has arrived since
	endErr       *transport.Error // why the socket ends, if that is known before the reader notices
}

// open dials, and starts the reader on another goroutine: the stack of this one has
// grown for TLS.
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
	k.dialledAt = start
	p := k.p
	p.mu.Lock()
	defer p.mu.Unlock()
	k.conn = conn
	k.cancel()
	k.cancel = func() {} // an open socket need not keep the context
	if k.endErr != nil { // Cut was called at the last moment
		k.closeConn()
	}
	conn.SetPongHandler(k.onPong)
	k.pingTimer = time.AfterFunc(p.pingInterval, k.onPingTimer)
	k.startPump()
	p.wg.Go(k.read)
}

func (k *socket) onReaderEnd(err *transport.Error) {
	k.log("WebSocket ended", k.dialledAt, err)
	k.end(err)
}

// fail makes the socket end for a reason; the first one counts. The reader, or the
// dial, notices and calls end. Called with p.mu held.
func (k *socket) fail(op string, cause error) {
	if k.endErr == nil {
		k.endErr = &transport.Error{Op: op, Err: cause}
	}
	k.detach()
	k.cancel()
	k.closeConn()
}

// closeConn closes the connection, if there is one. What the system has not delivered
// of a socket that failed is discarded: it would arrive behind what the session sends
// on its next leg. A pipe that is closed has no next leg, and a server that has closed
// the socket itself takes nothing more but the answer to that. Called with p.mu held.
func (k *socket) closeConn() {
	if k.raw == nil {
		return
	}
	if k.endErr != nil && k.endErr.Op != "close" && !k.p.closed {
		wire.DiscardUnsent(k.raw.Conn)
	}
	_ = k.raw.Close()
}

// detach makes the next Wake dial another socket. Called with p.mu held.
func (k *socket) detach() {
	if k.p.current == k {
		k.p.current = nil
	}
}

// end releases the socket and calls Handler.End, or leaves that call to the pump if the
// pump is inside Next.
func (k *socket) end(err *transport.Error) {
	p := k.p
	p.mu.Lock()
	k.readerGone = true
	k.detach()
	p.sockets = slices.DeleteFunc(p.sockets, func(x *socket) bool { return x == k })
	switch {
	case err == nil || k.endErr != nil && k.endErr.Op == "cut":
	case err.Op == "close" && err.Status == ws.CloseMessageTooBig:
		p.limit.Lower(k.largestBatch)
		err.TooLarge = k.largestIDs
	case err.Op != "close" && k.lastBatch >= suspectBatch:
		p.limit.Lower(k.lastBatch)
	}
	k.endErr = k.endError(err)
	if k.endErr != nil {
		k.endErr.Unsent = !k.batchWritten
	}
	k.closeConn()
	if k.pingTimer != nil {
		k.pingTimer.Stop()
	}
	inNext, silent := k.inNext, k.endErr != nil && k.endErr.Op == "ping"
	p.mu.Unlock()
	if silent {
		p.config.Shared.DropIdleConnections()
	}
	if !inNext {
		p.h.End(k.id, k.endErr)
	}
}

// endError chooses between the error that the reader saw and the one that was known
// before. The close frame of the server says more than the write that failed by it.
func (k *socket) endError(err *transport.Error) *transport.Error {
	closed := err != nil && err.Op == "close"
	refused := k.endErr != nil && errors.Is(k.endErr.Err, ws.ErrCloseSent) // the reader refused what came, and said goodbye
	switch {
	case k.endErr != nil && k.endErr.Op == "write" && (closed || refused && err != nil):
		return err
	case k.endErr != nil:
		return k.endErr
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
	l, level := k.p.config.Logger, slog.LevelDebug
	if !l.Enabled(context.Background(), level) {
		return
	}
	attrs := []slog.Attr{slog.Uint64("leg", uint64(k.id)), slog.Duration("took", mono.Since(start))}
	if err != nil {
		attrs = append(attrs, slog.Any("err", err))
	}
	l.LogAttrs(context.Background(), level, what, attrs...)
}
