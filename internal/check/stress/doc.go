// Stress puts sessions of each mode under random operations on loopback sockets,
// against the server of bayeuxtest, which is restarted, forgets, cuts and
// stalls, through relays that cut, reset and go mute. What is promised is in
// package engine, which knows no server.
//
//	go run ./internal/check/stress -for 60s
//	go run ./internal/check/stress -mode auto -ack=false -trace -for 5m
//	go -C interop run ./stress -for 60s      # the same on CometD
//
// It prints what happened how often and each violation, and ends with 1 if there
// was any. A seed names the schedule of faults and operations; what the system
// makes of it differs each time.
package main
