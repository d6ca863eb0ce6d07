package client

import (
	"testing"
	"unsafe"

	"github.com/stretchr/testify/require"
)

// TestSize: there are thousands of clients, and the allocator has room for 1,144
// bytes with pointers in 1,152, and then in 1,280.
func TestSize(t *testing.T) {
	require.LessOrEqual(t, int(unsafe.Sizeof(Client{})), 1144)
}
