// Package peers holds the sources of programs that run other clients: CometD's, in
// Java and in JavaScript, and Faye's.
//
// Watch, in each, prints the events of a channel, for command paths. Peer, in
// CometD's, measures what command bench measures of Turold: it takes what is measured
// as JSON in its argument, prints figures as JSON, and ends. They are built by package
// servers, as the server is.
package peers

import "embed"

// Java is the Maven project, JavaScript and Faye are npm packages, each in the folder
// of its language or name.
var (
	//go:embed java/pom.xml java/src
	Java embed.FS
	//go:embed js/package.json js/package-lock.json js/peer.js js/watch.js
	JavaScript embed.FS
	//go:embed faye/package.json faye/package-lock.json faye/watch.js
	Faye embed.FS
)
