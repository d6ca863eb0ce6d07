package transporttest

import (
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/turold/turold/bayeux"
	"github.com/turold/turold/transport"
)

// deaf is a Transport that does nothing: the test calls the Handler itself.
type deaf struct{}

func (deaf) Types() []string            { return nil }
func (deaf) Wake(transport.Lane)        {}
func (deaf) Drain(transport.LegID)      {}
func (deaf) Cut(transport.LegID, error) {}
func (deaf) Check()                     {}
func (deaf) Close() error               { return nil }

// TestTheRefereePanics calls the Handler as no pipe may.
func TestTheRefereePanics(t *testing.T) {
	once := transport.Leg{ID: 7, Once: true}
	socket := transport.Leg{ID: 7}
	reset := &transport.Error{Op: "read", Err: errors.New("reset")}
	for _, tc := range []struct {
		name, says string // empty: nothing is wrong
		do         func(p transport.Transport, h transport.Handler, script *Handler)
	}{
		{"a good exchange", "", func(p transport.Transport, h transport.Handler, _ *Handler) {
			h.Next(transport.LaneCommands, once)
			h.Receive(7, nil)
			h.End(7, nil)
			_ = p.Close()
		}},
		{"a good socket", "", func(p transport.Transport, h transport.Handler, _ *Handler) {
			h.Next(transport.LaneCommands, socket)
			h.Next(transport.LaneCommands, socket)
			h.Next(transport.LaneConnect, socket)
			h.Receive(7, nil)
			h.End(7, reset)
			_ = p.Close()
		}},
		{"two directions at once", "", func(p transport.Transport, h transport.Handler, script *Handler) {
			script.OnNext = func(transport.Lane, transport.Leg) { h.Receive(7, nil) }
			h.Next(transport.LaneCommands, socket)
			h.End(7, nil)
		}},
		{"a second End", "End on leg 7 comes after End", func(_ transport.Transport, h transport.Handler, _ *Handler) {
			h.End(7, reset)
			h.End(7, reset)
		}},
		{"Receive after End", "Receive on leg 7 comes after End", func(_ transport.Transport, h transport.Handler, _ *Handler) {
			h.Next(transport.LaneCommands, once)
			h.End(7, nil)
			h.Receive(7, nil)
		}},
		{"Next after End", "Next on leg 7 comes after End", func(_ transport.Transport, h transport.Handler, _ *Handler) {
			h.End(7, reset)
			h.Next(transport.LaneCommands, once)
		}},
		{"Next inside Next", "Next on leg 7 overlaps another Next", func(_ transport.Transport, h transport.Handler, script *Handler) {
			script.OnNext = func(transport.Lane, transport.Leg) { h.Next(transport.LaneConnect, socket) }
			h.Next(transport.LaneCommands, socket)
		}},
		{"Receive inside Receive", "Receive on leg 7 overlaps another Receive", func(_ transport.Transport, h transport.Handler, script *Handler) {
			script.OnReceive = func(transport.LegID, []bayeux.Message) { h.Receive(7, nil) }
			h.Receive(7, nil)
		}},
		{"End inside Next", "End on leg 7 overlaps Next", func(_ transport.Transport, h transport.Handler, script *Handler) {
			script.OnNext = func(transport.Lane, transport.Leg) { h.End(7, reset) }
			h.Next(transport.LaneCommands, socket)
		}},
		{"End inside Receive", "End on leg 7 overlaps Receive", func(_ transport.Transport, h transport.Handler, script *Handler) {
			script.OnReceive = func(transport.LegID, []bayeux.Message) { h.End(7, nil) }
			h.Receive(7, nil)
		}},
		{"two batches for one exchange", "a second batch", func(_ transport.Transport, h transport.Handler, _ *Handler) {
			h.Next(transport.LaneCommands, once)
			h.Next(transport.LaneCommands, once)
		}},
		{"an Error without a cause", "without Op or cause", func(_ transport.Transport, h transport.Handler, _ *Handler) {
			h.End(7, &transport.Error{Op: "read"})
		}},
		{"an Error without an operation", "without Op or cause", func(_ transport.Transport, h transport.Handler, _ *Handler) {
			h.End(7, &transport.Error{Err: reset})
		}},
		{"no leg", "names no leg", func(_ transport.Transport, h transport.Handler, _ *Handler) {
			h.Next(transport.LaneCommands, transport.Leg{})
		}},
		{"a leg left open", "has not ended", func(p transport.Transport, h transport.Handler, _ *Handler) {
			h.Next(transport.LaneCommands, once)
			_ = p.Close()
		}},
		{"a call after Close", "comes after Close returned", func(p transport.Transport, h transport.Handler, _ *Handler) {
			_ = p.Close()
			h.Next(transport.LaneCommands, once)
		}},
		{"Close during a call", "while a call on leg 7 runs", func(p transport.Transport, h transport.Handler, script *Handler) {
			script.OnNext = func(transport.Lane, transport.Leg) { _ = p.Close() }
			h.Next(transport.LaneCommands, once)
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var seen transport.Handler
			script := new(Handler)
			script.Queue(transport.LaneCommands, bayeux.Message{Channel: "/a"})
			script.Queue(transport.LaneCommands, bayeux.Message{Channel: "/b"})
			p := Check(func(_ *transport.SessionConfig, h transport.Handler) transport.Transport { seen = h; return deaf{} })(nil, script)
			said := said(func() { tc.do(p, seen, script) })
			if tc.says == "" {
				require.Empty(t, said)
				return
			}
			require.Contains(t, said, tc.says)
		})
	}
}

// said is what f panics with, empty if it does not.
func said(f func()) (text string) {
	defer func() { text, _ = recover().(string) }()
	f()
	return ""
}
