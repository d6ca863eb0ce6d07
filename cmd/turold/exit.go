package main

import (
	"errors"

	"github.com/turold/turold/bayeux"
	"github.com/turold/turold/client"
	"github.com/turold/turold/transport"
)

// The exit codes, see the command's documentation.
const (
	exitDone = iota
	exitUsage
	exitTransport
	exitRefused
	exitTimeout
	exitUnknown
	exitMissing
)

// Why a command's context ended. Nothing else is taken for one of these: what
// a connection or a library says is a failure, whatever it looks like.
var (
	errTimeout     = errors.New("the timeout is over") // of --timeout
	errInterrupted = errors.New("interrupted")         // by a signal
)

// exitCode sorts how a command ended. What became of a message is told before
// the timeout or the signal that made it so.
func exitCode(err error) int {
	var outcome *client.OutcomeError
	var refused *bayeux.Error
	var failed *transport.Error
	switch messages := errors.As(err, &outcome); {
	case err == nil:
		return exitDone
	case errors.Is(err, errMissing):
		return exitMissing
	case messages && outcome.Sent:
		return exitUnknown
	case errors.Is(err, errTimeout):
		return exitTimeout
	case errors.Is(err, errInterrupted) && messages:
		return exitTransport
	case errors.Is(err, errInterrupted), errors.Is(err, errUnread):
		return exitDone
	case errors.As(err, &refused), errors.Is(err, client.ErrServerEnded), errors.Is(err, errSameToken):
		return exitRefused
	case errors.As(err, &failed), errors.Is(err, client.ErrNoReply):
		return exitTransport
	}
	return exitUsage
}
