// Stress is internal/check/stress against a real server, CometD 9, which forgets
// sessions and is stopped where it is (SIGSTOP) for longer than the client waits:
//
//	go -C interop run ./stress -for 60s
package main
