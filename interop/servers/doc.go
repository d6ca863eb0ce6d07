// Package servers builds and runs real Bayeux servers for tests: [CometD] and
// [Faye], each a process of its own on 127.0.0.1.
//
// A [Server] can be killed as a crash would, restarted on the same port, and
// commanded through a second port that no client under test sees: it publishes
// numbered events, tells what it received and in which order, and forgets
// sessions. While it is dead a [Counter] on its port counts who calls. A
// [Relay] is a network between a client and a server that can be cut.
//
// The first start builds: Maven compiles CometD's server and fetches its
// libraries, npm installs Faye. What is built is kept in the user's cache
// directory under the hash of its sources, and needs no network again. Registry
// settings are those of the user's own Maven and npm. A missing tool is an
// error that says what to install. A [Program] of another purpose is built in
// the same way.
//
// No process is left behind: each is in a process group of its own and killed
// with it by Stop; its standard input is a pipe from this process and it ends
// with it; and on Linux the kernel kills it when this process dies.
package servers
