package main

import (
	"context"
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

// errTimeout is the cause of a context that --timeout ended.
var errTimeout = errors.New("the timeout is over")

// exitCode sorts how a command ended. What a signal interrupted is done; an
// unknown outcome is told before the timeout that made it so.
func exitCode(ctx context.Context, err error) int {
	var unknown *client.OutcomeError
	var refused *bayeux.Error
	var failed *transport.Error
	switch {
	case err == nil, closed(err), ctx.Err() != nil:
		return exitDone
	case errors.Is(err, errMissing):
		return exitMissing
	case errors.As(err, &unknown) && unknown.Sent:
		return exitUnknown
	case errors.Is(err, errTimeout):
		return exitTimeout
	case errors.As(err, &refused), errors.Is(err, client.ErrLeft), errors.Is(err, errSameToken):
		return exitRefused
	case errors.As(err, &failed), errors.Is(err, client.ErrLate):
		return exitTransport
	}
	return exitUsage
}
