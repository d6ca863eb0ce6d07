// Package cometd holds the source of the CometD server that package servers
// builds and runs.
package cometd

import "embed"

// Source is the Maven project.
//
//go:embed pom.xml src
var Source embed.FS
