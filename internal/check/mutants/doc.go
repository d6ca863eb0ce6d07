// Mutants asks whether the tests would notice. It plants a defect, runs the
// simulation and the tests on it, and tells which of them found it:
//
//	go run ./internal/check/mutants             # all of them, by both
//	go run ./internal/check/mutants -only ack-  # those whose name begins so
//	go run ./internal/check/mutants -known      # each by what CAUGHT.md says finds it
//
// A defect is a file in testdata that ends in .defect: a sentence that says what
// is wrong; the file of the module that is changed; and for each place its
// function ("top level" outside all), the lines that go (-), those that come (+)
// and those that only tell the place (a space). The old lines must stand once in
// the function, so that changes elsewhere in the file do not matter:
//
//	A connect acknowledges a batch that has not come yet.
//
//	file client/connect.go
//	func Client.drawConnect
//	-		m.Ext = ackExt(c.batch)
//	+		m.Ext = ackExt(c.batch + 1)
//
// It is applied to a copy (go build -overlay), never to the tree. One that does
// not apply any more is an error: it has to follow the code. Where only the file
// or the name of the function changed, this does it:
//
//	go run ./internal/check/mutants -follow
//
// With -known the defects are not built one by one: each becomes a branch of its
// functions, so that the tests of a package are built once, and the environment
// says which defect is played. Those that are more than other lines in a function,
// and those that were not found so, are built alone.
//
// With -write what was found goes into CAUGHT.md.
//
// The package may run whatever is in the module, and imports nothing of it.
package main
