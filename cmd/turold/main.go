package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"

	"github.com/alecthomas/kong"
)

func main() {
	// Writing to a pipe whose reader has closed it is then an error of the write, which
	// leaves time to say goodbye.
	signal.Ignore(syscall.SIGPIPE)
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // the second one ends the process at once
	os.Exit(run(ctx, os.Args[1:], stdio{os.Stdin, os.Stdout, os.Stderr}))
}

// errOutputClosed is the error of a standard output whose reader has closed it.
var errOutputClosed = errors.New("the reader of the standard output has closed it")

// An output is the standard output. Only here it is known that its reader has closed
// it: a connection that breaks has the same error.
type output struct{ w io.Writer }

func (o output) Write(b []byte) (int, error) {
	n, err := o.w.Write(b)
	if errors.Is(err, syscall.EPIPE) || errors.Is(err, io.ErrClosedPipe) {
		err = errOutputClosed
	}
	return n, err
}

// stdio is where a command reads and writes.
type stdio struct {
	in       io.Reader
	out, err io.Writer
}

// A cli is the whole command line. The context of a command's Run ends with
// the first signal.
type cli struct {
	Subscribe subscribe `cmd:"" help:"Print events as they arrive, one JSON object a line."`
	Publish   publish   `cmd:"" help:"Publish a JSON value, or each line of standard input in order."`
	Call      call      `cmd:"" help:"Call a remote procedure and print the data of its reply."`
	Load      loadTest  `cmd:"" help:"Publish on an even schedule, and measure latencies and losses."`
	Serve     serve     `cmd:"" help:"Run a Bayeux server in memory, to try things out."`
}

// run is the whole program, and returns its exit code. The context ends with the
// first signal.
func run(signalled context.Context, args []string, s stdio) int {
	s.out = output{s.out}
	ctx, end := context.WithCancelCause(context.WithoutCancel(signalled))
	defer end(nil)
	defer context.AfterFunc(signalled, func() { end(errInterrupted) })()
	var c cli
	helped := false
	parser, err := kong.New(&c, kong.Name("turold"), kong.Description("Bayeux from the command line."),
		kong.Writers(s.out, s.err), kong.Exit(func(int) { helped = true }))
	if err != nil {
		panic(err) // the tags above are wrong
	}
	parsed, err := parser.Parse(args)
	switch {
	case helped:
		return exitDone
	case err != nil:
		fmt.Fprintf(s.err, "turold: %s\nTry: turold --help\n", unquoted(err, args))
		return exitUsage
	}
	parsed.BindTo(ctx, (*context.Context)(nil))
	err = parsed.Run(s)
	code := exitCode(err)
	if code != exitDone {
		fmt.Fprintf(s.err, "turold: %s\n", text(err))
	}
	return code
}

// text is what an error says without the name of the client's package.
func text(err error) string { return strings.TrimPrefix(err.Error(), "client: ") }

// unquoted is what the parser says without the arguments that it quotes: one in
// a wrong place may be a password. What is shorter than one is left.
func unquoted(err error, args []string) string {
	var values []string
	for _, a := range args {
		switch {
		case strings.HasPrefix(a, "--"):
			_, a, _ = strings.Cut(a, "=")
		case strings.HasPrefix(a, "-"):
			a = a[min(len(a), 2):]
		}
		if len(a) >= 6 {
			values = append(values, a)
		}
	}
	slices.SortFunc(values, func(a, b string) int { return len(b) - len(a) })
	said := err.Error()
	for _, v := range values {
		said = strings.ReplaceAll(said, v, "***")
	}
	return said
}
