// Package interop has no code of its own, only tests.
package interop
