// Package websocket carries a session over one WebSocket at a time: it is the
// pipe for the connectionType "websocket", on gorilla/websocket. A socket is one
// leg, both lanes share it, and each batch is one text message. A Wake dials if
// there is no socket; nothing else does.
//
// It promises that
//
//   - the opening of a socket ends within 10 s, from the dial to the 101, proxy and
//     TLS included, and Cut and Close end it at once, whatever it waits for
//   - a socket that no longer carries data both ways is noticed: a ping goes every
//     10 s, and only its own pong proves the path, since events may still arrive
//     while nothing that is sent does
//   - a batch is written as one frame of up to 32 KiB, or the socket fails within 10 s
//   - a server cannot make it use more than the Limits: the header of the 101 and
//     each message are bounded, and a compression it was not asked for is refused
//   - errors hold no URL, header, or byte that came from the network
//
// The package opens the connection to the server itself, where gorilla could: proxies
// (HTTP CONNECT, also over TLS, and SOCKS5), TLS, and everything that waits end with a
// context. Redirects are not followed.
//
// The package knows nothing of clientIds, advice, retries or answers. Sessions, and the
// fallback, open a pipe with [Open]. An idle socket costs one goroutine, which waits
// below TLS and gorilla on a stack of 2 KiB; the reader of a busy one waits where it
// is.
package websocket
