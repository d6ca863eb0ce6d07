// Package fallback chooses between a WebSocket and long-polling. Its
// [transport.Transport] is a valve over two pipes: it decides which of them may
// draw, and is itself a pipe, so that a session cannot tell it from one.
//
// It promises that
//
//   - never both pipes draw: one is opened when nothing of the other is out any
//     more and every End of it was passed on
//   - a session is never left on a socket that does not open or answer: each wait
//     for one has an end, after which HTTP is tried; for HTTP the Handler's own
//     deadlines hold
//   - nothing is concluded from a failure of both: a WebSocket is given up only
//     once long-polling has answered where it did not
//   - no change of transport is silent, and no verdict: the function given to [New] is called with each, and each is logged
//
// It reads channels and ids, the success and the advice of replies, and what a
// handshake offers; a reply is what [bayeux.Message.Answers] says, to something that
// left on that very leg. What other publishers send decides nothing and is
// written into no [Memory]. It never reads a clientId or an acknowledgement, and keeps
// no message. It writes one of its own: the probe of Auto. It knows its two
// pipes as Openers only, whatever they are made of.
//
// # Auto
//
// The handshake goes by HTTP while a socket is dialled, and HTTP serves: the
// session begins in the moment in which long-polling alone would begin it,
// whatever becomes of the socket. One that opens shows nothing yet; it is proven
// by the answer to a probe, a connect of a clientId that no server gave, which
// touches no session. While one may soon be proven polls ask for short holds.
// When a poll has ended neither pipe draws until every exchange has, and then the
// socket is offered the connect with no hold; its answer is the move. Nothing
// is out on the other pipe at that moment, so nothing is lost, doubled or
// reordered by it.
//
// Where a socket was proven within the last ten minutes the session goes to the
// next one from its handshake on, without a probe; if nothing answers there, HTTP
// goes on. Where sockets are cut at a certain age one is left before: its connect
// ends, HTTP asks for the next with a short hold, and what HTTP brings waits
// until the socket has said its last.
//
// A socket that dies is left for HTTP at once, on which the same session goes
// on, and another is dialled beside it. A server that does not know the session
// on a socket keeps it by HTTP. Where HTTP fails or is late for the handshake
// and a socket is open, the session begins there; HTTP will not know it, so it
// waits two seconds for another socket when that one dies.
//
// A socket's failure is held against sockets only if HTTP answered within five
// seconds of it; if that is not known an exchange of the valve's own finds out.
// Then one session of all that share a [Memory] tries every 30 s, and every two
// minutes after ten minutes, and at most four sockets are opened at a time where
// none was proven in the last ten minutes.
//
// Whatever the mode, no connect is asked to be held longer than the path bears: two
// silences that were cut alike shorten the hold.
//
// # WebSocket first
//
// The handshake goes by the socket, and by HTTP when the socket is refused, does
// not open or does not answer within [Policy.Patience], or brings something that
// is no Bayeux. An address that cannot be dialled is the network's failure, not
// the socket's, if HTTP would go to the same host and port: it is passed on as
// it is.
//
// A socket that served and died is dialled again at the next Wake, and the
// session, which servers know by its clientId, goes on there. Only if that fails
// too HTTP is tried; the server may not know the session by HTTP, and says so,
// and the new handshake goes by HTTP.
//
// The way to HTTP is provisional until HTTP has answered. If it fails as well,
// the next attempt is the socket's, and until something answers the two take
// turns at the pace of the Handler's backoff. Afterwards the session stays on
// HTTP until the server forgets it: the handshake that is due then goes by a
// socket again, unless one failed within the last minute, the server offered
// none in its last handshake, or some exchange of the old session has not ended
// when the Handler wakes the valve for it.
//
// Package client opens it; any program that has a Handler may.
package fallback
