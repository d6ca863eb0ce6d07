// Package transporttest holds a pipe to the contract of package transport: the
// module's own pipes, the fallback, and any [transport.Transport] written
// elsewhere.
//
// [Run] is the suite. It opens the pipe anew for each case, in a
// testing/synctest bubble of its own, against the server of package bayeuxtest on
// a network in memory, so that holds, time-outs and black holes cost no time:
//
//	func TestConformance(t *testing.T) {
//		transporttest.Run(t, transporttest.Pipe{Name: "mine", Open: mine.Open})
//	}
//
// That server speaks websocket and long-polling, so a transport for another
// connectionType cannot be held to the contract by Run; Check and Handler serve it as
// well.
//
// The suite looks at what a leg is, not at what the pipe is: it works on sockets, on
// exchanges, and on transports whose legs are sometimes one, sometimes the other.
//
// [Check] is the referee: it stands between any pipe and its Handler and panics
// where the pipe breaks rule 2 of the contract, or calls the Handler after Close. Run
// puts it around every pipe; other tests may do the same.
//
// [Handler] is a scripted Handler that records what the pipe did, for tests of
// one's own.
//
// The package imports testing and is for tests only. It knows the contract and the
// messages, and no pipe.
package transporttest
