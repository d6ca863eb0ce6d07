// Package bayeuxtest is a Bayeux server in the process of a test, as httptest
// is an HTTP server: for tests of programs that use a Bayeux client, and for
// trying things out. It is no server for production: its queues have no bound.
//
// [New] makes an http.Handler that serves both transports, long-polling and
// WebSocket, on whatever path it is mounted at. [Start] runs one on a loopback
// port; [Serve] runs one on any listener, also one in memory, so that it works
// inside a testing/synctest bubble.
//
// It does what a CometD 9 server does, as far as a client can see it:
// acknowledged messages, wildcards, service channels and remote calls, the
// session cookie, sessions that move between the transports and that expire,
// the order of events and replies, and the errors in its words. Other profiles
// do what CometD 7, CometD 5 and Faye 1.4 do instead; a [Dialect] switches the
// differences of a CometD one by one. A script that runs against it and against the
// real servers proves this; their traces are kept in internal/suite/fidelity. The profiles of [Lyrion] and [Cumulocity] are made from what
// is public of those.
//
// [Server.Publish] publishes an event of the server's own. [Server.PublishRaw] publishes
// one of another client, which may write anything into it: servers relay nearly all.
//
// Faults are made by hooks ([Options].Request, Take, Answer, Rewrite,
// Authorize) and by methods ([Server.Forget], [Server.Disconnect],
// [Server.CutAll]).
//
// The package imports bayeux and gorilla/websocket, and knows no client.
package bayeuxtest
