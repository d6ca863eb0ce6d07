package main

import (
	"flag"
	"fmt"
	"log/slog"
	"os"
	"runtime/debug"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/turold/turold/bayeux/bayeuxtest"
	"github.com/turold/turold/bayeux/bayeuxtest/memnet"
	"github.com/turold/turold/fallback"
)

// A pipe is what carries the session.
type pipe struct {
	name         string
	mode         fallback.Mode
	events, fill int // so many, with so many bytes more, that it all makes 64 KiB
}

var pipes = []pipe{
	{"websocket", fallback.WebSocketFirst, 160, 230},
	{"long-polling", fallback.LongPollingOnly, 160, 72},
	{"auto", fallback.Auto, 160, 215},
}

// A kind is how the connection is cut.
type kind struct {
	name string
	cut  memnet.Cut
	most time.Duration // until the session works, and what was out is settled
}

// A silence is found by a ping within 15 s, by long-polling when the hold of 20 s
// and the 10 s after it are over.
var kinds = []kind{
	{"fin", memnet.FIN, 5 * time.Second},
	{"rst", memnet.RST, 5 * time.Second},
	{"stall", memnet.Mute, 40 * time.Second},
}

// A cut is one session, and where it is cut.
type cut struct {
	pipe pipe
	kind kind
	up   bool  // it is a byte of the client's; otherwise the server's
	at   int64 // below zero: it is not
}

func (c cut) String() string {
	from := "server"
	if c.up {
		from = "client"
	}
	return fmt.Sprintf("%s %s from %s at %d", c.pipe.name, c.kind.name, from, c.at)
}

func main() {
	o := options{}
	flag.StringVar(&o.pipe, "pipe", "both", "websocket, long-polling, both, or auto")
	flag.StringVar(&o.kind, "kind", "fin,rst,stall", "how the connection is cut")
	flag.StringVar(&o.from, "from", "both", "whose bytes: client, server or both")
	flag.Int64Var(&o.first, "first", 0, "the first offset")
	flag.Int64Var(&o.every, "every", 97, "from one offset to the next")
	flag.Int64Var(&o.most, "most", 1<<40, "how many offsets, at most, of each direction, pipe and kind")
	flag.BoolVar(&o.verbose, "v", false, "log what happens")
	flag.Parse()
	debug.SetGCPercent(400) // what a session leaves is small
	// testing/synctest wants a test: this program is one.
	every := func(string, string) (bool, error) { return true, nil }
	testing.Main(every, []testing.InternalTest{{Name: "cuts", F: func(t *testing.T) { o.run(t) }}}, nil, nil)
}

type options struct {
	pipe, kind, from   string
	first, every, most int64
	verbose            bool
}

// run makes the cuts, and prints what came of them.
func (o options) run(t *testing.T) (all tally) {
	begun := time.Now()
	for _, p := range pipes {
		if p.name != o.pipe && (o.pipe != "both" || p.name == "auto") {
			continue
		}
		whole := o.play(t, cut{pipe: p, at: -1})
		fmt.Printf("%s: %d events, %d publishes; %d bytes from the client, %d from the server\n", p.name, p.events, whole.words["arrived"], whole.up, whole.down)
		for _, k := range kinds {
			for _, up := range []bool{true, false} {
				size := whole.down
				if up {
					size = whole.up
				}
				if strings.Contains(o.kind, k.name) && (o.from == "both" || (o.from == "client") == up) {
					all.join(o.stretch(t, cut{p, k, up, 0}, size))
				}
			}
		}
	}
	took := time.Since(begun)
	fmt.Printf("%d sessions in %v, %.0f a second; %d failed\n", all.played, took.Round(time.Second), float64(all.played)/took.Seconds(), all.failed)
	return all
}

// stretch cuts at the offsets of one direction.
func (o options) stretch(t *testing.T, c cut, size int64) (sum tally) {
	for c.at = o.first; c.at < size && int64(sum.played) < o.most; c.at += o.every {
		sum.add(o.play(t, c))
	}
	c.at = o.first
	fmt.Printf("%s, then every %d of %d: %s\n", c, o.every, size, sum.String())
	return sum
}

// play plays one cut in a bubble.
func (o options) play(t *testing.T, c cut) (out outcome) {
	log := slog.New(slog.DiscardHandler)
	if o.verbose {
		log = slog.New(slog.NewTextHandler(os.Stdout, &slog.HandlerOptions{Level: slog.LevelDebug}))
	}
	t.Run(c.String(), func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) { out = play(c, log, bayeuxtest.Options{}) })
		if len(out.wrong) > 0 {
			fmt.Printf("failed: %s: %s\n", c, strings.Join(out.wrong, "; "))
			t.Fail()
		}
	})
	return out
}
