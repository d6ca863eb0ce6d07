package verdict

import (
	"errors"

	"github.com/turold/turold/bayeux"
	"github.com/turold/turold/client"
)

// Publish says in a word what became of a publish by the outcome that the client
// gave it, and whether that is true of one that arrived at the server so often.
func Publish(outcome error, arrived int) (word string, honest bool) {
	var out *client.OutcomeError
	var refused *bayeux.Error
	switch {
	case outcome == nil:
		return "arrived", arrived == 1
	case errors.As(outcome, &out) && out.Sent:
		return "unknown", arrived <= 1
	case errors.As(outcome, &out):
		return "not taken", arrived == 0
	case errors.As(outcome, &refused):
		return "refused", arrived <= 1 // the server's own word
	}
	return "something else", false
}
