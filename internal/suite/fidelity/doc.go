// Package fidelity holds the in-process server of the tests to what real
// servers do: one script of exchanges, with the server directly and through the
// client, is run against both, and what comes back is written down in a form
// that is equal wherever the servers are.
//
// A [Lab] is a server that the script is run against; [Run] runs it by one
// transport and returns the trace. The traces of real servers are kept in
// testdata, one file a server and transport. The module interop runs the script
// against the real ones and compares, or writes them down anew; the test of
// this package runs it against bayeuxtest, on virtual time, and compares.
//
// A trace leaves out what differs from run to run: a clientId is C1, C2 and so
// on, the members of an object are sorted, of the time only the hold that it
// amounts to is told, and of a page that is no JSON only its kind.
//
// Only tests import it.
package fidelity
