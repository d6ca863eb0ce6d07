// Package memnet is a TCP-like network in memory, for tests inside a
// testing/synctest bubble: what blocks on it is durably blocked, so virtual
// time passes. Addresses are free strings of the form host:port; a listener
// and the dials to it meet by name.
//
// [Network.CutAt] cuts a connection at a byte.
//
// It knows nothing of the module. Only tests may use it.
package memnet
