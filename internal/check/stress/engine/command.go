package engine

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"maps"
	"os"
	"slices"
	"time"

	"github.com/turold/turold/fallback"
)

// Main is the command of a program that brings a server. It returns the code to
// exit with: 1 if something was violated, 2 if nothing is known.
func Main(args []string, s Server) int {
	cfg := Config{Out: os.Stdout}
	f := flag.NewFlagSet("stress", flag.ContinueOnError)
	mode := f.String("mode", "all", "auto, websocket-first, websocket, long-polling, or all")
	ack := f.String("ack", "both", "with acknowledgement: true, false or both")
	f.DurationVar(&cfg.For, "for", time.Minute, "how long, in each mode")
	f.DurationVar(&cfg.Round, "round", 0, "how long things break before all is judged (default 10s)")
	f.IntVar(&cfg.Sessions, "sessions", 0, "how many (default 4)")
	f.IntVar(&cfg.Workers, "workers", 0, "goroutines with random operations (default 200)")
	f.DurationVar(&cfg.Pause, "pause", 0, "between two operations of a worker (default 20ms)")
	f.Uint64Var(&cfg.Seed, "seed", uint64(time.Now().UnixNano()), "of the schedule")
	f.StringVar(&cfg.Faults, "faults", "", "only those with this in their name")
	f.BoolVar(&cfg.Trace, "trace", false, "say where what is missing was seen")
	if err := f.Parse(args); errors.Is(err, flag.ErrHelp) {
		return 0
	} else if err != nil {
		return 2
	}
	modes := []fallback.Mode{fallback.Auto, fallback.WebSocketFirst, fallback.WebSocketOnly, fallback.LongPollingOnly}
	if *mode != "all" {
		m, err := fallback.ParseMode(*mode)
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 2
		}
		modes = []fallback.Mode{m}
	}
	code := 0
	for _, m := range modes {
		for _, noAck := range []bool{false, true} {
			if *ack == "true" && noAck || *ack == "false" && !noAck {
				continue
			}
			cfg.Mode, cfg.NoAck = m, noAck
			fmt.Printf("%v, acknowledgement %v, seed %d\n", m, !noAck, cfg.Seed)
			r, err := Run(context.Background(), s, cfg)
			if err != nil {
				fmt.Fprintln(os.Stderr, "stress:", err)
				return 2
			}
			for _, what := range slices.Sorted(maps.Keys(r.Counts)) {
				fmt.Printf("  %-40s %d\n", what, r.Counts[what])
			}
			if len(r.Violations) > 0 {
				code = 1
			}
		}
	}
	return code
}
