package websocket

import (
	"errors"

	"github.com/turold/turold/bayeux"
	"github.com/turold/turold/internal/wire"
)

// isConnError reports whether err is about a connection rather than about what came
// on it, so that its text quotes nothing that came.
func isConnError(err error) bool {
	return errors.Is(err, bayeux.ErrTooLarge) || wire.IsConnError(err)
}

// unwrapped returns the error of a header that was too large as it is, where gorilla
// or crypto/tls has wrapped it, and any other err unchanged.
func unwrapped(err error) error {
	if errors.Is(err, wire.ErrHeaderTooLarge) {
		return wire.ErrHeaderTooLarge
	}
	return err
}
