// Cuts plays one short session of the whole client again and again, and cuts the
// connection that carries it at each byte once, on virtual time: by FIN, by RST,
// or by silence. Afterwards the network is healthy.
//
//	go run ./internal/check/cuts -pipe websocket -kind rst -every 97
//	go run ./internal/check/cuts -pipe long-polling -kind stall -from server -first 4711 -every 1 -most 1 -v
//
// The session has a handshake, two subscriptions, events on both channels with
// acknowledgement, publishes of its own, and a goodbye: 64 KiB in both directions
// together, all that is written on connections counted, headers of HTTP included.
// An offset counts the bytes of one direction over all connections, in the order
// in which they are written. The session goes on for fifty events behind the cut
// and ends: what would follow was played already.
//
// The oracle promises of each cut that
//
//   - the session comes back, the same one, and tells of no gap
//   - every event arrives once and in its order
//   - each publish is settled once, and truthfully (internal/testutil/verdict)
//   - the pipes kept their contract (transporttest.Check stands at each)
//   - it takes no longer than a bound on virtual time: what a fault may take to be
//     found out, and one round of pauses
//   - Close returns at once and leaves no goroutine: else the bubble panics
//
// It prints how many cuts were made, those that broke a promise, and how long the
// session took to come back. It may know every package; nobody imports it.
package main
