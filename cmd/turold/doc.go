// Command turold talks to Bayeux servers from the command line, and serves as
// one.
//
//	turold subscribe [flags] URL CHANNEL...
//	turold publish   [flags] URL CHANNEL [JSON]
//	turold call      [flags] URL TARGET [JSON]
//	turold load      [flags] URL
//	turold serve     [flags]
//
// Standard output is for programs: it has one JSON value on each line. Only load
// prints a table, unless --json - is given. Standard error is for people: it has
// the log, with each change of the transport. The exit codes are
//
//	0  done, or ended by a first SIGINT or SIGTERM, and the server took every
//	   message; also where the reader of standard output has closed it
//	1  wrong usage, or this machine failed
//	2  no transport reached the server, or none had when a signal ended the
//	   command: the messages did not leave
//	3  the server refused
//	4  the timeout ended the command
//	5  the outcome of a message is unknown: the server may have it, or not
//	6  load: the server took messages that did not arrive, or not in time
//
// A second signal ends the command at once.
package main
