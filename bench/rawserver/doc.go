// Package rawserver is a Bayeux server that does as little as it can: what it
// answers is canned, and what it reads is searched rather than parsed where that
// will do. It is there to be faster than any client that is measured against it,
// and to cost the same whichever that is.
//
// A client chooses what happens to it by the query of the address it dials, see
// script. It serves WebSocket and long-polling on one port, knows one event
// channel, and may know nothing of who is measured.
package rawserver
