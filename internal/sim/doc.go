// Sim plays schedules of faults on the whole client, on virtual time: client,
// fallback, both pipes and the server of bayeuxtest, over a network in memory. A
// seed is a schedule: what the sessions are like, what is published and read, and
// what breaks, when and for how long.
//
//	go run ./internal/sim -seeds 2000
//	go run ./internal/sim -first 4711 -seeds 1 -v
//
// The oracle promises of each schedule that
//
//   - no event was lost, doubled or out of order without a word, and with ack
//     none at all while the session lived
//   - each publish was settled once and truthfully: what was said to have arrived
//     did, once; what was said not to have been taken did not arrive
//   - the pipes kept their contract (transporttest.Check stands at each), and the
//     client had one connect out at most
//   - there is no tight loop: the servers see a bounded number of messages
//   - when everything works again, events flow again within bounded time
//   - Close returns at once, at any moment, settles everything, and leaves
//     nothing behind
//
// It prints the seeds that broke a promise, and how often each kind of thing
// happened: of the faults, of what the oracle saw, and of the moves of the
// fallback. In which order goroutines run is not in the seed: one that failed may
// need several runs to fail again. Seeds that once showed a defect are in
// testdata/seeds and are always played. The program may know every package;
// nobody imports it.
package main
