// Package api has no code, only the test that compares what the module's public
// packages export with the listing in api.txt at the module's root, one
// declaration a line. A change of the surface is seen in review by the change of
// that file, which this command renews:
//
//	go test ./internal/suite/api -update
//
// Programs below cmd and examples, and packages below internal, are not listed.
// The package imports nothing of the module.
package api
