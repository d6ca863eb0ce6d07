package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"regexp"
	"syscall"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run() error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	manyFiles()
	if len(os.Args) > 1 {
		switch os.Args[1] { // processes of our own
		case "serve":
			return serve()
		case "measure":
			return measured(ctx, os.Args[2])
		}
	}
	only := flag.String("only", "", "regular expression: which comparisons")
	rounds := flag.Int("rounds", 0, "turns of each; 0: as many as each needs")
	out := flag.String("o", "", "file to write the report to; its plots go into bench/plots beside it")
	kept := flag.String("results", "", "file that keeps what was measured: comparisons that are not run again are reported from there")
	note := flag.String("note", "", "file whose text goes into the report, such as what profiles say")
	flag.Parse()
	which, err := regexp.Compile(*only)
	if err != nil {
		return err
	}
	earlier, err := load(*kept)
	if err != nil {
		return err
	}
	var all []*result
	var failed error
	for _, c := range comparisons() {
		if !which.MatchString(c.name) {
			if taken := earlier[c.name]; taken != nil {
				all = append(all, &result{c, taken})
			}
			continue
		}
		r, err := c.run(ctx, *rounds)
		failed = errors.Join(failed, err)
		r.print(os.Stdout)
		all = append(all, r)
	}
	failed = errors.Join(failed, save(*kept, all))
	if *out != "" {
		failed = errors.Join(failed, report(*out, *note, all))
	}
	return failed
}

// manyFiles raises the limit of open files, where that is allowed: a session may
// have two connections for a moment.
func manyFiles() {
	_ = syscall.Setrlimit(syscall.RLIMIT_NOFILE, &syscall.Rlimit{Cur: 1 << 16, Max: 1 << 16})
}

// measured is the process of one measurement: it prints its figures.
func measured(ctx context.Context, spec string) error {
	var p params
	if err := json.Unmarshal([]byte(spec), &p); err != nil {
		return err
	}
	f, err := profiled(ctx, measures[p.Measure], p)
	if err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(f)
}
