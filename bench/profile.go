package main

import (
	"context"
	"errors"
	"os"
	"runtime/pprof"
)

// profiled makes a measurement and writes the profiles that the environment
// names: BENCH_CPU of the processor, BENCH_HEAP of what is allocated, which
// GODEBUG=memprofilerate=1 has counted in full.
func profiled(ctx context.Context, m measure, p params) (f figures, err error) {
	if file := os.Getenv("BENCH_CPU"); file != "" {
		out, err := os.Create(file)
		if err != nil {
			return nil, err
		}
		if err := pprof.StartCPUProfile(out); err != nil {
			return nil, err
		}
		defer pprof.StopCPUProfile()
	}
	f, err = m(ctx, p)
	if file := os.Getenv("BENCH_HEAP"); file != "" {
		out, e := os.Create(file)
		if e != nil {
			return nil, e
		}
		err = errors.Join(err, pprof.Lookup("heap").WriteTo(out, 0), out.Close())
	}
	return f, err
}
