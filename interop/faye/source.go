// Package faye holds the source of the Faye server that package servers
// installs and runs.
package faye

import "embed"

// Source is the npm package.
//
//go:embed package.json package-lock.json server.js
var Source embed.FS
