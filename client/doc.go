// Package client is the session a user holds: it dials a Bayeux server, keeps
// the session alive, and carries subscriptions, publishes and remote calls.
//
// [Dial] returns a [Client] once the server answered the handshake. From then
// on the client works by itself: it connects again after every failure with
// growing pauses, begins a new session when the server forgot the old one, and
// subscribes anew; [Client.Status] and the logger say where it stands.
//
// # What it promises
//
// Events of a subscription come in the order of the connection they came on,
// and none is lost in silence: where messages may be missing the stream has an
// [Item] with a [*GapError], and goes on. A message that cannot be read is such a gap
// too: no other message is lost with it. With the acknowledgement
// extension, which is used wherever the server offers it, a lost connection
// loses nothing as long as the session lives.
//
// A publish tells the truth: nil only if the server said successful; a
// [*bayeux.Error] if it refused; an [*OutcomeError] if no answer came, which
// says whether the message may have arrived. Nothing that may have arrived is
// sent again unless the caller allows it.
//
// What the server is subscribed to becomes what the application wants, whatever
// order Subscribe and Unsubscribe were called in and whatever became of their
// requests: an older one is never sent again once there is a newer one, and behind
// one that was never answered the server is asked anew.
//
// Before it stops, a program calls [Dialer.Drain] or [Client.Drain]: what the queues
// hold is handled, what was published has its outcome, and every session says goodbye,
// within the context's time.
//
// Slow handlers delay no other subscription and no other session: the application
// pulls from each subscription, over a queue with a bound.
//
// # How it is built
//
// A Client is a monitor: one mutex around steps that compute and never block,
// whose few effects (wake or cut a leg, tell the log) happen after the lock is
// gone. It has no goroutine of its own. What the pipes may do to it and it to
// them is written in package transport.
//
// The package imports bayeux, transport and the module's internal helpers. In opener.go
// alone it also knows the two pipes, and there, in options.go and in status.go package
// fallback, to build and to describe what a Dialer uses by default.
package client
