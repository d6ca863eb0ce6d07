package hardening

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"sync"
	"testing"

	"go.uber.org/goleak"
)

// TestMain also holds every test here to look nothing up: all of them dial by a
// DialContext, and what would not could only go by the resolver of the process.
func TestMain(m *testing.M) {
	net.DefaultResolver = &net.Resolver{PreferGo: true, Dial: asked.dial}
	goleak.VerifyTestMain(m, goleak.Cleanup(func(code int) {
		if names := asked.take(); len(names) > 0 {
			fmt.Printf("looked up: %q\n", names)
			code = 1
		}
		os.Exit(code)
	}))
}

var asked lookups

// lookups are the questions that the resolver of the process has been asked.
type lookups struct {
	mu  sync.Mutex
	all []string
}

func (l *lookups) take() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	all := l.all
	l.all = nil
	return all
}

func (l *lookups) dial(context.Context, string, string) (net.Conn, error) {
	c, _ := net.Pipe()
	return question{c, l}, nil
}

// A question is a connection to a name server that answers nothing.
type question struct {
	net.Conn
	l *lookups
}

func (q question) Write(p []byte) (int, error) {
	q.l.mu.Lock()
	defer q.l.mu.Unlock()
	q.l.all = append(q.l.all, string(p))
	return 0, errors.New("no name server")
}
