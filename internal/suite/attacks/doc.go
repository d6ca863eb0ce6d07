// Package attacks is what a hostile server, or a proxy in its place, says to a
// Bayeux client: a table of attacks, each with what the user must see of it, and
// a server that is honest but for one of them.
//
// [All] is the table. [Start] serves an attack on a loopback socket, byte by
// byte as the table has it: no HTTP or WebSocket library stands between, which
// would correct it. [Bodies], [Frames], [Upgrades], [Answers] and [Advices] are
// the same attacks as seeds for fuzzers.
//
// It is for tests of any package, so it imports nothing of the module, and knows
// nothing of how a client is made. The test of the package runs all of it
// against the whole client.
package attacks
