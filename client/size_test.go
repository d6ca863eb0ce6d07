package client

import (
	"testing"
	"unsafe"

	"github.com/stretchr/testify/require"
)

// TestSize: there are thousands of clients, and the allocator has room for 1,016
// bytes with pointers in 1,024, and then in 1,152.
func TestSize(t *testing.T) {
	require.LessOrEqual(t, int(unsafe.Sizeof(Client{})), 1016)
}
