// Package imports has no code, only the test that holds the module's packages
// to who may know whom.
package imports
