// Command turold speaks to Bayeux servers from the command line, and serves as
// one.
//
//	turold subscribe [flags] URL CHANNEL...
//	turold publish   [flags] URL CHANNEL [JSON]
//	turold call      [flags] URL TARGET [JSON]
//	turold load      [flags] URL
//	turold serve     [flags]
//
// What it prints on standard output is for programs: one JSON value a line; only
// load prints a table, unless it is told --json -.
// What it logs on standard error is for people, each change of the transport
// included. It leaves with
//
//	0  done, or ended by a first SIGINT or SIGTERM, and every message that it was
//	   given was taken; also if nobody reads the standard output any more
//	1  wrong usage, or something of this machine failed
//	2  no transport got through, or none had when a signal ended it: what it was
//	   given did not leave
//	3  the server refused
//	4  the timeout ended it
//	5  the outcome of a message is unknown: the server may have it, or not
//	6  load: the server took messages that did not arrive, or not in time
//
// A second signal ends it at once.
package main
