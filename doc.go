// Package turold is a client for Bayeux servers: CometD, Faye and their kin. It
// has no code: this page says which of the module's packages to import.
//
//   - [github.com/turold/turold/client] is the session: Dial, Subscribe, Publish.
//     Most programs import this one alone.
//   - [github.com/turold/turold/fallback] chooses between WebSocket and
//     long-polling. A program imports it to set the mode, or to keep over a
//     restart what it has learned of its networks.
//   - [github.com/turold/turold/bayeux] has the words of the protocol: Message,
//     Channel, Error. A program imports it to look into a server's refusal.
//   - [github.com/turold/turold/bayeux/bayeuxtest] is a server for tests, with bad
//     networks in hostile and a network in memory in memnet.
//
// The README shows what it does, docs/testing.md how to test a program that uses
// it, and SECURITY.md what holds whatever a server sends.
package turold
