// Package peers holds the sources of programs that measure CometD's own clients,
// in Java and in JavaScript, as command bench measures Turold.
//
// Each takes what is measured as JSON in its argument, prints figures as JSON,
// and ends. They are built by package servers, as the server is.
package peers

import "embed"

// Java is the Maven project, JavaScript the npm package, each in a folder of its name.
var (
	//go:embed java/pom.xml java/src
	Java embed.FS
	//go:embed js/package.json js/package-lock.json js/peer.js
	JavaScript embed.FS
)
