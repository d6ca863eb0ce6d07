// Mutants asks whether the tests would notice. It plants a defect, runs the
// simulation and the tests on it, and tells which of them found it:
//
//	go run ./internal/mutants             # all of them, by both
//	go run ./internal/mutants -only ack-  # those whose name begins so
//	go run ./internal/mutants -known      # each by what CAUGHT.md says finds it
//
// A defect is a patch in testdata: a sentence that says what is wrong, and a
// unified diff of one file. It is applied to a copy (go build -overlay), never to
// the tree. One that does not apply any more is an error: it has to follow the code.
// With -write what was found goes into CAUGHT.md.
//
// The package may run whatever is in the module, and imports nothing of it.
package main
