package fidelity

import (
	"context"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/turold/turold/transport"
)

// Settings of a server under the script. They are what tells a hold of the
// server's from those asked for, also on a slow machine.
const (
	Timeout     = 4 * time.Second  // its own hold
	MaxInterval = 10 * time.Second // in most scenes
	ShortLife   = 2 * time.Second  // in those that wait for a session's end
)

// A Server is one server that lives, and how it is commanded.
type Server interface {
	URL() string // http
	// Publish has the server publish {"n":n}.
	Publish(channel string, n int) error
	// Forget has it forget every session, as if each had expired.
	Forget() error
	// Disconnect has it end every session with a /meta/disconnect of its own.
	Disconnect() error
	// Stop ends it, as gently as it can.
	Stop() error
}

// A Lab starts servers of one make. Each refuses what is published or
// subscribed below /deny, and answers what is sent to /service/echo with the
// data it was sent, if it answers remote calls.
type Lab struct {
	// Start starts a server with a hold of Timeout and the life given. It ends
	// with the test at the latest.
	Start func(t *testing.T, maxInterval time.Duration) Server
	// DialContext opens connections to it; nil: as usual.
	DialContext func(ctx context.Context, network, addr string) (net.Conn, error)
	// Calls: it answers remote calls. Goodbyes: it can be told to Disconnect.
	Calls, Goodbyes bool
}

// A scene is a part of the script; each begins on connections of its own.
type scene struct {
	name string
	on   string // the transport it is for; empty: both
	life time.Duration
	play func(*stage)
}

// Run runs the script by one transport, by its connectionType, and returns the trace.
func Run(t *testing.T, lab *Lab, kind string) string {
	t.Helper()
	var log strings.Builder
	usual := lab.Start(t, MaxInterval)
	warm(t, lab, usual, kind)
	for _, sc := range script {
		if sc.on != "" && sc.on != kind {
			continue
		}
		server := usual
		if sc.life != 0 {
			server = lab.Start(t, sc.life)
			warm(t, lab, server, kind)
		}
		log.WriteString("= " + sc.name + "\n")
		s := newStage(t, lab, server, kind, &log)
		s.fresh()
		sc.play(s)
		s.hangUp()
		if sc.life != 0 {
			_ = server.Stop() // it may have been stopped
		} else {
			require.NoError(t, server.Forget())
		}
		log.WriteString("\n")
	}
	return log.String()
}

// warm lets a server that was just started do its first work, which may take a
// second, before anything is measured.
func warm(t *testing.T, lab *Lab, server Server, kind string) {
	s := newStage(t, lab, server, kind, new(strings.Builder))
	s.begin("/lab/warm")
	s.ask(s.make("/lab/warm", "data", 1))
	s.ask(s.make("/meta/disconnect"))
	s.hangUp()
}

// script is every scene, in order.
var script = []scene{
	{name: "handshake", play: handshakes},
	{name: "connect", play: connects},
	{name: "overtaken", play: overtaken},
	{name: "two connects at once", play: twoAtOnce},
	{name: "unknown session", play: unknown},
	{name: "no clientId", play: nameless},
	{name: "subscribe", play: subscribes},
	{name: "wildcards", play: wildcards},
	{name: "publish", play: publishes},
	{name: "service", play: services},
	{name: "what another client publishes", play: relays},
	{name: "queue", play: queue},
	{name: "ack", play: acks},
	{name: "ack, cut at each frame", on: transport.WebSocket, play: ackCuts},
	{name: "batches", play: batches},
	{name: "malformed", play: malformed},
	{name: "not a POST of JSON", on: transport.LongPolling, play: requests},
	{name: "oversize", play: oversize},
	{name: "moves", on: transport.WebSocket, play: moves},
	{name: "by another's connection", on: transport.LongPolling, play: strangers},
	{name: "disconnect", play: disconnects},
	{name: "dismissed", play: dismissed},
	{name: "forgotten", play: forgotten},
	{name: "client", play: clients},
	{name: "expiry", life: ShortLife, play: expiry},
	{name: "shutdown", life: MaxInterval, play: shutdown},
}
