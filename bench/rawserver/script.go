package rawserver

import (
	"net/url"
	"strconv"
	"time"
)

// A script is what a client asks the server to do with it.
type script struct {
	ack    bool          // offer the acknowledgement extension, and answer connects by it
	flood  int           // events a frame or body, as fast as they are taken; 0: none
	tick   time.Duration // an event that says when it was sent, so often; 0: none
	echo   bool          // what is published comes back as an event
	first  bool          // an event is there with the subscription
	after  bool          // the same, as soon as the subscription was answered: an answer to a connect in its batch does not bring it
	socket string        // what becomes of an upgrade: refused, hole (no answer), mute (no answer to anything behind it)
}

func scriptOf(q url.Values) script {
	s := script{ack: q.Has("ack"), echo: q.Has("echo"), first: q.Has("first"), after: q.Has("after"), socket: q.Get("socket")}
	s.flood, _ = strconv.Atoi(q.Get("flood"))
	s.tick, _ = time.ParseDuration(q.Get("tick"))
	return s
}
