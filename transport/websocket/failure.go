package websocket

import (
	"errors"

	"github.com/turold/turold/bayeux"
	"github.com/turold/turold/internal/wire"
)

// isConnError reports whether err is about a connection rather than what came on it.
func isConnError(err error) bool {
	return errors.Is(err, bayeux.ErrTooLarge) || wire.IsConnError(err)
}

// unwrapped returns our own error if another package has wrapped it, and err otherwise.
func unwrapped(err error) error {
	if errors.Is(err, wire.ErrHeaderTooLarge) {
		return wire.ErrHeaderTooLarge
	}
	return err
}
