// Package engine puts sessions under random operations on real sockets while
// what is between them and a server, and the server itself, break, and judges
// what came of it. It knows any [Server] that can say what it took; programs
// bring one, on loopback.
//
// A [Run] is rounds. In each, sessions of a Dialer of their own are dialled, each
// through a relay; goroutines publish, publish what the server denies, send,
// send in batches of up to 300 and at least once, call, flush, subscribe and
// unsubscribe; seven consumers read, by the three policies of a full queue, by
// exact names and by patterns, some of them slowly; and one session after the
// other is dialled and closed in the midst of it. Then everything works again,
// and the round is judged:
//
//   - an outcome is true of what the server took: nil, if it took the publish
//     exactly once, or at least once where that was allowed; a refusal, or an
//     OutcomeError whose Sent is false, only if it never took it; Sent true, if it took
//     it once at most; and everything has an outcome
//   - a publisher's messages arrive in their order, aside from those that may
//     have arrived late: with an unknown outcome, or sent at least once
//   - an event comes as often as the server took it, in the order of its
//     publisher; or a gap stands in its place, which counts right where it counts
//   - who subscribes, and was accepted, gets what is published, whatever was
//     subscribed, unsubscribed and given up before on that channel
//   - when all is closed the goroutines and descriptors are as many as before
//
// Without acknowledgement three things are told apart from violations, because
// no client can promise them, and counted: order between the two requests of
// long-polling; the place of a gap, which is known only when a dead connection is
// found out, and not before a session takes what comes by another; and what the
// server gives to a request that a client had long given up, when that reaches it
// late. For that each event is followed: when the server wrote it and to which
// connection, whether the relay passed it on, and on which leg the client took it.
// A gap that is later than [Late], or that is late though the connection had
// ended before, is a violation.
//
// Nothing is waited for without a bound, and no violation depends on how fast
// the machine is.
package engine
