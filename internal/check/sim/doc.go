// Sim plays schedules of faults on the whole client, on virtual time: client,
// fallback, both pipes and the server of bayeuxtest, over a network in memory. A
// seed is a schedule: what the sessions are like, what is published and read, what
// another client of the server writes beside its data, and what breaks, when and
// for how long. Servers also stand still for longer than a session waits, and take
// and answer everything afterwards; replies to commands are lost, and come twice. In
// every seventh schedule a pattern and a channel that it matches are subscribed to, and
// the servers think about subscribes for a while.
//
//	go run ./internal/check/sim -seeds 2000
//	go run ./internal/check/sim -replay -first 4711 -seeds 1 -v
//
// The oracle promises of each schedule that
//
//   - no event was lost, doubled or out of order without a word, but without ack for what
//     the answers to requests that were given up took along (see README); and with ack
//     none at all while the session lived
//   - each publish was settled once and truthfully, over all its tries: what was
//     said to have arrived did, once unless it might be repeated; what was said not
//     to have been taken, or to have been refused, did not arrive
//   - once nothing that was sent can still arrive, the server has the subscriptions
//     that the application has, whatever it unsubscribed from, subscribed to again
//     or gave up, and events come on each of them
//   - the pipes kept their contract (transporttest.Check stands at each), and the
//     client had one connect out at most
//   - there is no tight loop: the servers see a bounded number of messages
//   - when everything works again, events flow again within bounded time
//   - Close returns at once, at any moment, settles everything, and leaves
//     nothing behind
//
// It prints the seeds that broke a promise, and how often each kind of thing
// happened: of the faults, of what the oracle saw, and of the moves of the
// fallback. Seeds that once showed a defect are in testdata/seeds and are always
// played. The program may know every package; nobody imports it.
//
// # What a seed determines
//
// The schedule, and not what comes of it. In which order goroutines run, timers
// fire that are due at once, maps are gone over and selects choose is the Go
// runtime's affair, which draws lots; so do pauses with jitter.
// Of the seeds 1 to 300, played twice, 16 came out alike to the last event and
// instant.
//
// With -replay a seed determines everything. The program is built once more, with a
// runtime (go build -overlay, see the list in replay.go) that draws all lots of a
// bubble from one source, which begins alike, interrupts no goroutine, and
// collects no garbage; and plays each seed in a process of its own on one
// processor. What is printed by -digests, a sum over every event, gap, outcome,
// state, decision and fault with its time, is the same each time, on a busy machine
// too. A seed that failed without -replay ran in another order, and need not
// fail with it: what is to be found again is looked for with it. It takes a
// runtime that has the places in that list, and says so if this Go's has not.
package main
