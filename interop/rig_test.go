package interop_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/turold/turold/interop/servers"
)

// start starts a server for the rest of the test, and shows what it printed
// if the test fails.
func start(t *testing.T, kind *servers.Kind, options ...string) *servers.Server {
	t.Helper()
	s, err := kind.Start(options...)
	require.NoError(t, err)
	t.Cleanup(func() {
		s.Stop()
		if t.Failed() {
			t.Logf("%s printed:\n%s", kind.Name, s.Log())
		}
	})
	return s
}
