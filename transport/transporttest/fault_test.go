package transporttest

import (
	"context"
	"errors"
	"fmt"
	"net"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/turold/turold/bayeux"
	"github.com/turold/turold/transport"
)

// verdict is the T of a case that is meant to fail.
type verdict struct {
	mu  sync.Mutex
	bad []string
}

func (v *verdict) Errorf(format string, args ...any) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.bad = append(v.bad, fmt.Sprintf(format, args...))
}

func (v *verdict) FailNow() { runtime.Goexit() }

// failed plays one case on a faulty pipe and returns what was found; empty: nothing.
func failed(t *testing.T, f fault, name string) (bad string) {
	i := slices.IndexFunc(cases, func(c testCase) bool { return c.name == name })
	require.NotEqual(t, -1, i, "no such case: %s", name)
	synctest.Test(t, func(*testing.T) {
		v, done := new(verdict), make(chan struct{})
		var made *faulty
		go func() {
			defer close(done)
			defer func() {
				if p := recover(); p != nil {
					v.Errorf("%v", p)
				}
			}()
			play(v, Pipe{Open: f.opener(&made)}, cases[i])
		}()
		<-done
		time.Sleep(24 * time.Hour) // what the fault left behind
		if p := made.breach.Load(); p != nil {
			v.Errorf("%s", *p)
		}
		bad = strings.Join(v.bad, "\n")
	})
	return bad
}

// TestTheSuiteFindsFaults plays for each fault the case that must find it.
func TestTheSuiteFindsFaults(t *testing.T) {
	for _, tc := range []struct {
		name, found, says string
		fault
	}{
		{"dials when opened", "nothing before the first wake", "dialled before the first Wake", fault{open: func(f *faulty) {
			c, err := f.s.Shared.DialContext(context.Background(), "tcp", address)
			if err == nil {
				_ = c.Close()
			}
		}}},
		{"delivers what was cut", "cut what has not arrived", "it came after it was cut", fault{open: func(f *faulty) {
			dial := f.s.Shared.DialContext
			f.s.Shared.DialContext = func(ctx context.Context, network, addr string) (net.Conn, error) {
				c, err := dial(ctx, network, addr)
				return struct{ net.Conn }{c}, err // without SetLinger
			}
		}}},
		{"a goroutine from the beginning", "nothing before the first wake", "a goroutine runs before", fault{open: func(*faulty) {
			go time.Sleep(2 * time.Hour)
		}}},
		{"a goroutine left behind", "close", "goroutines are left", fault{wake: func(f *faulty, l transport.Lane) {
			go time.Sleep(2 * time.Hour)
			f.Transport.Wake(l)
		}}},
		{"a leg of a type it did not name", "handshake, then connect", "pigeon", fault{next: func(f *faulty, l transport.Lane, leg transport.Leg) []bayeux.Message {
			leg.Type = "pigeon"
			return f.h.Next(l, leg)
		}}},
		{"half a batch now, half later", "a batch is one frame or body", "should have 3 item(s)", fault{next: func(f *faulty, l transport.Lane, leg transport.Leg) []bayeux.Message {
			f.mu.Lock()
			defer f.mu.Unlock()
			b := f.rest
			if f.rest = nil; b == nil {
				b = f.h.Next(l, leg)
			}
			if len(b) > 1 {
				b, f.rest = b[:1], b[1:]
			}
			return b
		}}},
		{"everything twice", "each batch leaves once, whoever wakes", "more often than it was drawn", fault{next: func(f *faulty, l transport.Lane, leg transport.Leg) []bayeux.Message {
			b := f.h.Next(l, leg)
			if len(b) > 0 && !b[0].Channel.Meta() {
				b = append(b, b...)
			}
			return b
		}}},
		{"a wake lost during a draw", "a wake during a draw draws again", "the reply to message", fault{wake: func(f *faulty, l transport.Lane) {
			if f.drawing.Load() == 0 {
				f.Transport.Wake(l)
			}
		}}},
		{"one connection for both lanes", "a held connect delays no command", "a command waited for the connect", fault{open: oneConnection}},
		{"one lane after the other", "a slow command delays no connect", "a connect waited for a command", fault{open: oneConnection}},
		{"backwards", "in order within a leg", "out of order", fault{receive: func(f *faulty, id transport.LegID, ms []bayeux.Message) {
			slices.Reverse(ms)
			f.h.Receive(id, ms)
		}}},
		{"events twice", "in order within a leg", "each event once", fault{receive: func(f *faulty, id transport.LegID, ms []bayeux.Message) {
			f.h.Receive(id, append(ms, ms...))
		}}},
		{"one buffer for all", "memory handed up stays as it was", "memory handed up has changed", fault{receive: func(f *faulty, id transport.LegID, ms []bayeux.Message) {
			f.mu.Lock()
			defer f.mu.Unlock()
			if f.shared == nil {
				f.shared = make([]byte, 1<<10)
			}
			for i := range ms {
				if n := len(ms[i].Data); n > 0 {
					copy(f.shared, ms[i].Data)
					ms[i].Data = f.shared[:n]
				}
			}
			f.h.Receive(id, ms)
		}}},
		{"Cut ignored", "cut a held connect", "a leg that was cut ended in order", fault{cut: func(*faulty, transport.LegID, error) {}}},
		{"Cut late", "cut a held connect", "is not less than or equal", fault{cut: func(f *faulty, id transport.LegID, cause error) {
			if errors.Is(cause, errCause) {
				time.AfterFunc(time.Second, func() { f.Transport.Cut(id, cause) })
			}
		}}},
		{"the cause lost", "cut a held connect", "the cause that the test gave", fault{cut: func(f *faulty, id transport.LegID, _ error) {
			f.Transport.Cut(id, errors.New("some other"))
		}}},
		{"Cut cuts all", "cut a held connect", "the reply to message", fault{
			next: func(f *faulty, l transport.Lane, leg transport.Leg) []bayeux.Message {
				f.mu.Lock()
				f.out[leg.ID] = true
				f.mu.Unlock()
				return f.h.Next(l, leg)
			},
			cut: func(f *faulty, _ transport.LegID, cause error) {
				f.mu.Lock()
				defer f.mu.Unlock()
				for id := range f.out {
					f.Transport.Cut(id, cause)
				}
			},
		}},
		{"an End too many", "cut a held connect", "End on leg", fault{end: func(f *faulty, id transport.LegID, err *transport.Error) {
			f.h.End(id, err)
			f.h.End(id, err)
		}}},
		{"an End too few", "close", "has not ended", fault{end: func(f *faulty, id transport.LegID, err *transport.Error) {
			if err == nil || err.Op != "cut" {
				f.h.End(id, err)
			}
		}}},
		{"cut legs end in order", "cut at every moment", "a leg that was cut ended in order", fault{end: func(f *faulty, id transport.LegID, _ *transport.Error) {
			f.h.End(id, nil)
		}}},
		{"everything was unsent", "reset while a connect is held", "the connect had left", fault{end: func(f *faulty, id transport.LegID, err *transport.Error) {
			if err != nil {
				err.Unsent = true
			}
			f.h.End(id, err)
		}}},
		{"nothing was unsent", "dial refused", "nothing can have left", fault{end: func(f *faulty, id transport.LegID, err *transport.Error) {
			if err != nil {
				err.Unsent = false
			}
			f.h.End(id, err)
		}}},
		{"tries again by itself", "dial refused", "dialled again by itself", fault{end: func(f *faulty, id transport.LegID, err *transport.Error) {
			f.h.End(id, err)
			if err != nil && err.Op == "dial" {
				time.AfterFunc(time.Minute, func() { _, _ = f.s.Shared.DialContext(context.Background(), "tcp", address) })
			}
		}}},
		{"a black hole is waited for", "cut a dial into a black hole", "is not less than or equal", fault{cut: func(f *faulty, id transport.LegID, cause error) {
			time.AfterFunc(5*time.Second, func() { f.Transport.Cut(id, cause) })
		}}},
		{"Close does not wait", "close", "Close returned", fault{close: func(f *faulty) error {
			go f.Transport.Close()
			return nil
		}}},
		{"Close waits too long", "close", "Close waited for the network", fault{close: func(f *faulty) error {
			time.Sleep(5 * time.Second)
			return f.Transport.Close()
		}}},
		{"woken after Close", "close", "comes after Close returned", fault{wake: func(f *faulty, l transport.Lane) {
			f.Transport.Wake(l)
			if f.closed.Load() {
				f.Next(l, transport.Leg{ID: transport.NewLegID(), Type: transport.LongPolling, Once: true, Limit: 1})
			}
		}}},
		{"Drain ends an exchange", "drain", "Drain ended an exchange", fault{drain: func(f *faulty, id transport.LegID) {
			f.Transport.Cut(id, errCause)
		}}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			require.Contains(t, failed(t, tc.fault, tc.found), tc.says)
		})
	}
}

// TestTheFaultlessPass plays every case on the same wrapper without a fault.
func TestTheFaultlessPass(t *testing.T) {
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) { require.Empty(t, failed(t, fault{}, c.name)) })
	}
}
