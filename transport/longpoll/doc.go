// Package longpoll carries a session over HTTP: it is the pipe for the
// connectionType "long-polling". Each batch is the body of one POST, each POST
// is one leg, and each lane has at most one POST out, so that a held
// /meta/connect and the commands never wait for each other.
//
// It promises that a leg ends in order only after a whole, valid answer: status
// 200, a JSON content type, and a body that decodes. Everything else that
// networks answer with, login pages, error pages, halves of bodies, garbage, is
// an Error that says which. No body is ever sent twice, no redirect is
// followed, and Error.Unsent is set only if not a byte of the batch was written
// to the connection.
//
// Cookies are echoed byte for byte: net/http would put quotes around some
// values and drop others, and servers behind a router (Salesforce) would then no
// longer know the session.
//
// The package knows nothing of clientIds, advice, retries or lateness: a held POST has
// no time-out here, the Handler cuts it. Only the set-up of a connection is
// bounded: 10 s to dial, 10 s for a TLS handshake, 30 s in all.
//
// Sessions, and the fallback, open a pipe with [Open]. A program that shares HTTP
// connections between sessions makes the pool with [NewRoundTripper].
//
// Bytes that a peer sends on an idle HTTP/1.1 connection, or behind an answer, end the
// connection and appear nowhere: net/http would print them.
//
// That a peer has closed an idle HTTP/1.1 connection shows only when a POST fails on
// it: Error.StaleConn marks that case.
package longpoll
