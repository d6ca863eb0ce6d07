// Package load puts a Bayeux server under load and measures it: sessions that
// subscribe, some of which publish at a steady rate, in one process, so that one
// clock measures all.
//
// What it promises:
//
//   - The schedule is fixed beforehand (an open loop). A message's latency
//     counts from when the schedule wanted it to leave, not from when it did: a
//     server that stalls, or a machine that is too slow, makes the figures worse and
//     does not hide in them ("coordinated omission").
//   - Every delivery is accounted for: of what the server took, a message that a
//     subscription did not get though it got a later one of the same publisher is
//     lost; any other that it did not get is late; one that it got twice is
//     doubled; one that came behind a later one is out of order.
//   - Nothing is published outside one prefix, below which each run has channels
//     of its own.
//   - A context that ends stops the publishing at once. No goroutine is left
//     after Test.Close, which takes [Goodbye] at most.
//
// It is the command's, and knows only what is public of the module, and the two
// libraries for the histogram and the plot.
package load
