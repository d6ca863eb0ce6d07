package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"sync"
	"time"

	"github.com/turold/turold/bayeux"
	"github.com/turold/turold/client"
	"github.com/turold/turold/cmd/turold/internal/load"
)

type loadTest struct {
	flags
	Sessions      int           `default:"100" help:"Number of sessions."`
	Ramp          time.Duration `default:"5s" help:"Open the sessions evenly over this time."`
	Channels      int           `default:"10" help:"Number of channels."`
	Subscriptions int           `default:"1" help:"Number of channels that each session subscribes to."`
	Publishers    int           `default:"100" help:"Number of sessions that publish, each on one channel; at most --sessions."`
	Rate          float64       `default:"100" help:"Messages to publish a second, by all sessions together and whatever the server does. Each is delivered sessions x subscriptions / channels times."`
	Batch         int           `default:"1" help:"Number of messages that a publisher sends at once."`
	Size          int           `default:"150" help:"Bytes of data in each message."`
	Warmup        time.Duration `default:"2s" help:"Publish for this long before measuring."`
	Duration      time.Duration `default:"30s" help:"Publish for this long while measuring."`
	Drain         time.Duration `default:"10s" help:"Wait at most this long for the last deliveries."`
	Prefix        string        `default:"/turold/load" help:"Publish on channels below PREFIX/RUN/ only, where RUN is random."`
	JSON          string        `name:"json" placeholder:"FILE" help:"Write the figures to FILE as JSON. With - they go to standard output, without a table."`
	Plot          string        `placeholder:"FILE" help:"Draw the latencies into FILE (SVG)."`
	URL           string        `arg:"" name:"url" help:"The server's address."`
}

// errMissing ends a load test in which not everything arrived.
var errMissing = errors.New("not everything arrived")

// Help is what --help adds.
func (*loadTest) Help() string {
	return "Latency counts from when the schedule wanted a message to leave, not from when it did: a server that stalls " +
		"cannot hide in the figures (coordinated omission). The first signal stops the publishing at once and prints what was measured so far."
}

// Run does the test, and tells what it measured.
func (l *loadTest) Run(ctx context.Context, std stdio) (err error) {
	ctx, cancel := l.within(ctx)
	defer cancel()
	plan, err := l.plan(std)
	if err != nil {
		return err
	}
	t := load.New(plan)
	defer t.Close()
	show := l.watch(std.err, t)
	r, err := t.Run(ctx)
	show()
	if err != nil {
		return err
	}
	told := l.tell(std.out, r)
	if failed(told) {
		return told
	}
	return cmp.Or(verdict(ctx, r), told)
}

func (l *loadTest) plan(std stdio) (*load.Plan, error) {
	d, err := l.dialer(std)
	if err != nil {
		return nil, err
	}
	if l.Verbose == 0 { // a line a session is too much
		d.Logger = slog.New(slog.DiscardHandler)
	}
	o, err := l.options()
	if err != nil {
		return nil, err
	}
	p := &load.Plan{
		URL: l.URL, Dialer: d, Options: o, Sessions: l.Sessions, Ramp: l.Ramp, Channels: l.Channels, Subscriptions: l.Subscriptions,
		Publishers: l.Publishers, Rate: l.Rate, Batch: l.Batch, Size: l.Size, Warmup: l.Warmup, Duration: l.Duration, Drain: l.Drain,
		Prefix: bayeux.Channel(l.Prefix),
	}
	return p, p.Validate()
}

// verdict is what is wrong with what was measured. A signal is the end that the
// user chose, and nothing is wrong with that: what was published until then is
// held to the same.
func verdict(ctx context.Context, r *load.Report) error {
	ended := context.Cause(ctx)
	switch {
	case ended != nil && !errors.Is(ended, errInterrupted):
		return ended
	case r.Delivered.Lost+r.Delivered.Late > 0:
		return fmt.Errorf("%w: %d of %d deliveries", errMissing, r.Delivered.Lost+r.Delivered.Late, r.Delivered.Expected)
	case r.Sessions.Up < r.Sessions.Asked && ended == nil:
		return fmt.Errorf("%d sessions did not come up: %w", r.Sessions.Asked-r.Sessions.Up, r.First())
	case r.Published.Unanswered > 0:
		return &client.OutcomeError{Sent: true, Err: client.ErrNoReply}
	}
	return cmp.Or(r.First(), ended)
}

// tell writes the report to where it was asked for. The files are written also if the
// reader of the standard output has closed it; the error is errOutputClosed then.
func (l *loadTest) tell(out io.Writer, r *load.Report) (err error) {
	asJSON := func(w io.Writer) error { return json.NewEncoder(w).Encode(r) }
	if l.JSON == "-" {
		err = asJSON(out)
	} else {
		err = r.Table(out)
	}
	if l.JSON != "" && l.JSON != "-" && !failed(err) {
		err = cmp.Or(write(l.JSON, asJSON), err)
	}
	if l.Plot != "" && !failed(err) {
		err = cmp.Or(write(l.Plot, r.Plot), err)
	}
	return err
}

// failed reports whether what was measured could not be written, other than to a
// standard output whose reader has closed it.
func failed(err error) bool { return err != nil && !errors.Is(err, errOutputClosed) }

// write makes a file, or says why there is none.
func write(name string, content func(io.Writer) error) error {
	f, err := os.Create(name)
	if err != nil {
		return err
	}
	return errors.Join(content(f), f.Close())
}

// watch tells once a second where the test stands, until what it returns is
// called: over and over on one line of a terminal, else on lines.
func (l *loadTest) watch(out io.Writer, t *load.Test) (end func()) {
	before, after := "", "\n"
	if terminal(out) && l.Verbose == 0 {
		before, after = "\r\033[K", ""
	}
	done := make(chan struct{})
	var watching sync.WaitGroup
	watching.Go(func() {
		clock := time.NewTicker(time.Second)
		defer clock.Stop()
		last := t.Now()
		for {
			select {
			case <-clock.C:
				now := t.Now()
				fmt.Fprint(out, before, progress(last, now), after)
				last = now
			case <-done:
				fmt.Fprint(out, before)
				return
			}
		}
	})
	return func() { close(done); watching.Wait() }
}

// progress is a line about the second between two looks.
func progress(last, now load.Progress) string {
	return fmt.Sprintf("%-9s  %d sessions  %d/s published  %d/s delivered  p50 %v  p99 %v  %d errors", now.Phase, now.Up,
		now.Sent-last.Sent, now.Received-last.Received, now.P50.Round(time.Microsecond), now.P99.Round(time.Microsecond), now.Errors)
}

// terminal reports whether out is one.
func terminal(out io.Writer) bool {
	f, ok := out.(*os.File)
	if !ok {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}
