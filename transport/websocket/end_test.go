package websocket

import (
	"errors"
	"testing"

	ws "github.com/gorilla/websocket"
	"github.com/stretchr/testify/require"

	"github.com/turold/turold/transport"
)

// TestEndNamesWhatBrokeTheSocket: where the reader and the writer both fail, the end
// carries the error of the one that was there first, and not its echo.
func TestEndNamesWhatBrokeTheSocket(t *testing.T) {
	broken := &transport.Error{Op: "read", Err: errors.New("websocket: bad opcode")}
	closed := &transport.Error{Op: "close", Status: ws.ClosePolicyViolation}
	reset := &transport.Error{Op: "write", Err: errors.New("broken pipe")}
	echo := &transport.Error{Op: "write", Err: ws.ErrCloseSent}
	for _, row := range []struct{ writer, reader, want *transport.Error }{
		{nil, broken, broken},
		{reset, broken, reset},
		{reset, closed, closed},
		{echo, broken, broken},
		{echo, closed, closed},
	} {
		k := &socket{endErr: row.writer}
		require.Same(t, row.want, k.endError(row.reader), "%v, %v", row.writer, row.reader)
	}
}
