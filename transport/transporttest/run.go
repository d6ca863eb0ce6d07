package transporttest

import (
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/turold/turold/bayeux/bayeuxtest"
	"github.com/turold/turold/transport"
)

// A Pipe is what Run tests.
type Pipe struct {
	Name string // of the subtest; not empty
	// Open makes the pipe. Run calls it once in each case, inside that case's bubble; an
	// Opener that shares something between sessions makes it anew at each call.
	Open transport.Opener
	// Probes says that the pipe, once woken, may dial by itself, as a fallback does that
	// looks for a better transport. Other pipes must not.
	Probes bool
	// Server holds the options of the server that the pipe is tested against, which is
	// always one of package bayeuxtest; nil: a CometD with both transports. Run replaces
	// the Take hook with its own.
	Server *bayeuxtest.Options
}

// Run holds the pipe to the contract, one subtest for each case, with the referee of
// [Check] around it, which panics at a breach. The server is that of package bayeuxtest,
// on a network in memory. It speaks the connectionTypes websocket and long-polling: a
// pipe for one that it does not speak, such as callback-polling or Faye's eventsource,
// cannot be held to the contract by Run.
func Run(t *testing.T, p Pipe) {
	t.Run(p.Name, func(t *testing.T) {
		for _, c := range cases {
			t.Run(c.name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) { play(t, p, c) })
			})
		}
	})
}

// An testCase is one case. It runs in a bubble, on a rig of its own.
type testCase struct {
	name string
	run  func(*rig)
}

var cases = []testCase{
	{"nothing before the first wake", quiet},
	{"nothing to say", nothingToSay},
	{"handshake, then connect", handshakeThenConnect},
	{"a batch is one frame or body", oneFrame},
	{"a wake during a draw draws again", wakeDuringDraw},
	{"each batch leaves once, whoever wakes", wakeStorm},
	{"a held connect delays no command", commandPastConnect},
	{"a slow command delays no connect", connectPastCommand},
	{"in order within a leg", order},
	{"memory handed up stays as it was", memory},
	{"called from inside the handler", reentrant},
	{"cut a held connect", cutHeld},
	{"cut from inside Receive", cutInside},
	{"cut at every moment", cutAtEveryMoment},
	{"cut what has not arrived", cutStalled},
	{"cut and drain what does not exist", unknownLegs},
	{"check", check},
	{"drain", drain},
	{"reset while a connect is held", reset},
	{"dial refused", refused},
	{"dial into a black hole", blackHole},
	{"cut a dial into a black hole", cutDial},
	{"close", closeOpen},
	{"close from many sides", closeConcurrently},
}

// play runs one case and clears away after it.
func play(t require.TestingT, p Pipe, c testCase) {
	r := newRig(t, p)
	defer r.stop()
	c.run(r)
	r.close()
}
