// Package hardening has no code, only tests that hold the whole client, over
// both real pipes, to what SECURITY.md promises:
//
//   - TLS: whoever is not the server that was asked for gets nothing of the
//     session, by whatever transport and proxy, and the error is the same
//   - secrets: no log, error, trace or formatted value holds one, whatever a
//     server sends back
//   - destinations: nothing but the server, the address of its WebSocket and the
//     proxy is ever dialled, whatever a server names
//
// It may know every package; nobody imports it.
package hardening
