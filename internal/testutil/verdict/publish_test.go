package verdict

import (
	"errors"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/turold/turold/bayeux"
	"github.com/turold/turold/client"
)

func TestPublish(t *testing.T) {
	for name, c := range map[string]struct {
		outcome error
		truths  []int // how often it may have arrived
	}{
		"arrived":        {nil, []int{1}},
		"unknown":        {&client.OutcomeError{Sent: true}, []int{0, 1}},
		"not taken":      {&client.OutcomeError{}, []int{0}},
		"refused":        {&bayeux.Error{}, []int{0, 1}},
		"something else": {errors.New("x"), nil},
	} {
		for arrived := range 3 {
			word, ok := Publish(c.outcome, arrived)
			require.Equal(t, name, word)
			require.Equal(t, slices.Contains(c.truths, arrived), ok, "%s, and it arrived %d times", name, arrived)
		}
	}
}
