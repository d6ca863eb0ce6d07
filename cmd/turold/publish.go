package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/turold/turold/bayeux"
	"github.com/turold/turold/client"
)

type publish struct {
	flags
	URL     string  `arg:"" name:"url" help:"The server's address."`
	Channel string  `arg:"" help:"The channel to publish on."`
	JSON    *string `arg:"" optional:"" name:"json" help:"The data. Without it each line of standard input is one JSON value, which is published in its turn."`
}

var errNotJSON = errors.New(`not JSON: a string needs its quotes, such as '"hello"'`)

// Run publishes, and returns what became of it.
func (p *publish) Run(ctx context.Context, std stdio) error {
	if p.JSON != nil && !bayeux.ValidValue([]byte(*p.JSON)) {
		return errNotJSON
	}
	ctx, cancel := p.within(ctx)
	defer cancel()
	c, leave, err := p.dial(ctx, std, p.URL)
	switch {
	case err != nil && p.JSON != nil:
		return untaken(err)
	case err != nil:
		return err
	}
	defer leave()
	ch := bayeux.Channel(p.Channel)
	if p.JSON != nil {
		return c.Publish(ctx, ch, json.RawMessage(*p.JSON))
	}
	return pour(ctx, c, ch, std.in)
}

// untaken is why there is no session for a message that was to leave. A signal is
// no good end for it.
func untaken(err error) error {
	if errors.Is(err, errInterrupted) {
		return &client.OutcomeError{Err: err}
	}
	return err
}

// A lineError says which line of standard input failed.
type lineError struct {
	line int
	err  error
}

func (e *lineError) Error() string { return fmt.Sprintf("line %d: %s", e.line, text(e.err)) }
func (e *lineError) Unwrap() error { return e.err }

// A sent line waits for its answer.
type sent struct {
	line    int
	receipt *client.Receipt
}

// pour sends each line and stops at the first that fails. It returns when the
// server has answered what was sent.
func pour(ctx context.Context, c *client.Client, ch bayeux.Channel, in io.Reader) error {
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	out := make(chan sent, 1024)
	settled := make(chan error, 1)
	go func() {
		var first error
		for s := range out {
			if err := outcome(ctx, s.receipt); err != nil && first == nil {
				first = &lineError{s.line, err}
				stop(first)
			}
		}
		settled <- first
	}()
	err := send(ctx, c, ch, in, out)
	close(out)
	if first := <-settled; first != nil {
		return first
	}
	return err
}

// outcome is what became of a message. One that is waited for no longer may
// have arrived or not.
func outcome(ctx context.Context, r *client.Receipt) error {
	_ = r.Wait(ctx)
	if err := r.Err(); !errors.Is(err, client.ErrPending) {
		return err
	}
	return &client.OutcomeError{Sent: true, Err: context.Cause(ctx)}
}

// send hands lines over until there are none.
func send(ctx context.Context, c *client.Client, ch bayeux.Channel, in io.Reader, out chan<- sent) error {
	all := lines(ctx, in)
	for n := 1; ctx.Err() == nil; n++ {
		select {
		case l, ok := <-all:
			if !ok {
				return nil
			}
			r, err := l.send(ctx, c, ch)
			if err != nil {
				return &lineError{n, err}
			}
			if r != nil {
				out <- sent{n, r}
			}
		case <-ctx.Done():
		}
	}
	return context.Cause(ctx)
}

// A line of standard input, or why there is none.
type line struct {
	text []byte
	err  error
}

// send hands a line over; an empty one is nothing.
func (l line) send(ctx context.Context, c *client.Client, ch bayeux.Channel) (*client.Receipt, error) {
	switch {
	case l.err != nil:
		return nil, l.err
	case len(bytes.TrimSpace(l.text)) == 0:
		return nil, nil
	case !bayeux.ValidValue(l.text):
		return nil, errNotJSON
	}
	return c.Send(ctx, client.Draft{Channel: ch, Data: json.RawMessage(l.text)})
}

// lines reads on a goroutine of its own: a signal must not wait for the next
// line, and nothing can interrupt the read.
func lines(ctx context.Context, in io.Reader) <-chan line {
	out := make(chan line)
	go func() {
		defer close(out)
		r := bufio.NewReader(in)
		for {
			text, err := r.ReadBytes('\n')
			l := line{text: text}
			if err != nil && !errors.Is(err, io.EOF) {
				l.err = err
			}
			if len(text) > 0 || l.err != nil {
				select {
				case out <- l:
				case <-ctx.Done():
					return
				}
			}
			if err != nil {
				return
			}
		}
	}()
	return out
}
