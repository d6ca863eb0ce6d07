// Package transport is the contract between a session, which is a [Handler],
// and the pipes that carry it, which are [Transport] values; and the settings
// that pipes share.
//
// Pipes draw, no session pushes: a pipe that can carry a batch asks the Handler for
// one at the moment it can carry it, as an HTTP/2 write scheduler does. So a
// pipe has no queue, message id, clientId, advice, retry or lateness of its
// own, and a Handler has no socket. A transport made of transports, the
// fallback, is a valve that decides which of them may draw.
//
// # Rules for both sides
//
//  1. No lock is held across a call into the other side. No Transport method
//     but Close calls, or waits for, the Handler: all but Close may be called
//     from inside a Handler method.
//  2. For one leg Next calls do not overlap, Receive calls do not overlap, and
//     nothing overlaps or follows End. Next and Receive may overlap: a socket
//     has two directions.
//  3. What Next returned counts as sent, whatever happens, unless End says Unsent.
//  4. Next(LaneConnect) on another leg, while a connect is out, takes it over: the
//     Handler answers with a new connect and no longer waits for the reply to
//     the old one. A connect that rides with commands is no reason to take over.
//  5. A Handler gives nothing to a leg it has cut, and cuts every leg it knows
//     before it begins a new handshake.
//  6. A pipe never tries again by itself: after End it draws, and the Handler's
//     nil is the backoff. Wake may dial, so a Handler that backs off does not wake.
//
// # Rules for a Transport made of Transports
//
//  7. A draw in progress is a leg that is out: no other pipe is opened before
//     Next has returned and End was passed on.
//  8. The valve turns with the draw, not before it: until the Handler gave a
//     connect to the new pipe the old one still serves the other lane.
//  9. It turns before it reports, and wakes both lanes of the pipe that it opened.
//  10. It passes on in order what it has held back, and End behind it.
//
// # What every pipe holds
//
// A pipe hands messages up in order within a leg. The two lanes never wait for
// each other. The pipe never uses again the memory that it has handed up. What a leg
// has not delivered when it is cut is not delivered later. Close waits for every
// goroutine, and afterwards the pipe never calls the Handler again.
// Package transporttest holds a pipe to all of this.
//
// The package imports bayeux and internal/wire, and nothing else of the module.
package transport
