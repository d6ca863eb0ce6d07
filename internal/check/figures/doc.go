// Figures measures what the README and DESIGN.md say of times, so that anyone can
// see them on his own machine:
//
//	go run ./internal/check/figures
//	go run ./internal/check/figures -only close -n 200
//
// Durations on the real loopback are printed and never asserted: a slow machine
// has others. What is counted, sessions, events, goroutines, file descriptors, is
// asserted, and so are pauses on virtual time.
//
// The figures: resume, close, cycles, restart and silence; each has a file. It may
// know what is public and internal/testutil/spread; no package imports it.
package main
