// Package wire holds what the two pipes of the module share and the contract of
// package transport does not name: addresses, headers and cookies as they go over
// the wire, bodies read within their limits, the tunnels of proxies, and the state
// behind a wake-up. The fallback and the client use a few of them.
//
// It imports bayeux and nothing else of the module. It holds no secret in an error,
// and starts no goroutine. What may be used concurrently says so.
package wire
