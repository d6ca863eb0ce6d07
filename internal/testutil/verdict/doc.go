// Package verdict judges what a client said of its publishes, for programs that
// break things and know what arrived at the server. It knows the errors of
// client and bayeux, and nothing of how things were broken.
package verdict
