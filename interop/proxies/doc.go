// Package proxies runs real proxies between a client and a server for tests:
// nginx and HAProxy in front of the server, Squid as a forward proxy, each a
// process of its own on 127.0.0.1 with a configuration of its own. A program
// that is missing is an error that says what to install; Debian's packages are
// what it is tried with.
package proxies
