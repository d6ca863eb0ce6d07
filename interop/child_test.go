package interop_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// childEnv names what the test binary does as a process of its own.
const childEnv = "TUROLD_INTEROP_CHILD"

// jobs are what a child may do, with the arguments of its command line; it
// tells its parent by say, and an error ends it. They are entered by init.
var jobs = map[string]func(args []string) error{}

// work does a child's job.
func work(job string) int {
	if err := jobs[job](os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

var saying sync.Mutex

// say prints a value as a line.
func say(v any) {
	line, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	saying.Lock()
	defer saying.Unlock()
	fmt.Printf("%s\n", line)
}

// A child is the test binary at a job.
type child struct {
	*os.Process
	in   io.WriteCloser // its jobs end when it is closed
	said chan []byte    // closed when it is gone
}

// bear starts a child, which is killed when the test ends.
func bear(t *testing.T, job string, args ...string) *child {
	t.Helper()
	self, err := os.Executable()
	require.NoError(t, err)
	cmd := exec.Command(self, args...)
	cmd.Env = append(os.Environ(), childEnv+"="+job)
	cmd.Stderr = t.Output()
	in, err := cmd.StdinPipe()
	require.NoError(t, err)
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	c := &child{Process: cmd.Process, in: in, said: make(chan []byte, 1<<16)}
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer close(c.said)
		for lines := bufio.NewScanner(out); lines.Scan(); {
			c.said <- append([]byte(nil), lines.Bytes()...)
		}
	}()
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		<-done
		_ = cmd.Wait()
	})
	return c
}

// hear decodes the next line that the child says.
func (c *child) hear(t *testing.T, v any) {
	t.Helper()
	select {
	case line, ok := <-c.said:
		require.True(t, ok, "the child is gone")
		require.NoError(t, json.Unmarshal(line, v), string(line))
	case <-time.After(time.Minute):
		require.Fail(t, "the child says nothing")
	}
}
