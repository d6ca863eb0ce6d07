//go:build !linux

package transport

import (
	"syscall"
	"time"
)

// userTimeout returns nil: only Linux has the option.
func userTimeout(time.Duration) func(string, string, syscall.RawConn) error { return nil }
