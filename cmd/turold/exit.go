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

// The causes with which a command's context ends. No other error is taken for one of
// these: what a connection or a library returns is a failure, whatever it looks like.
var (
	errTimeout     = errors.New("the timeout is over") // of --timeout
	errInterrupted = errors.New("interrupted")         // by a signal
)

// exitCode returns the code for how a command ended. The outcome of a message counts
// more than the timeout or the signal that caused it.
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
	case errors.Is(err, errInterrupted), errors.Is(err, errOutputClosed):
		return exitDone
	case errors.As(err, &refused), errors.Is(err, client.ErrServerEnded), errors.Is(err, errSameToken):
		return exitRefused
	case errors.As(err, &failed), errors.Is(err, client.ErrNoReply):
		return exitTransport
	}
	return exitUsage
}
