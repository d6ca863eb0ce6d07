package engine

import (
	"context"
	"math/rand/v2"
	"slices"
	"strings"
	"time"
)

// breaking has one fault follow the other until the context ends.
func (r *round) breaking(ctx context.Context) {
	faults := slices.DeleteFunc(append(r.networkFaults(), r.server.Faults()...), func(f Fault) bool { return !strings.Contains(f.Name, r.cfg.Faults) })
	if len(faults) == 0 {
		sleep(ctx, r.cfg.Round)
		return
	}
	rng := rand.New(rand.NewPCG(r.rng.Uint64(), 0))
	for sleep(ctx, between(rng, 50*time.Millisecond, time.Second)) {
		f := faults[rng.IntN(len(faults))]
		r.trace.note("fault: %s", f.Name)
		r.count("fault: "+f.Name, 1)
		if f.Stalls {
			r.trace.stalls()
		}
		f.Do(ctx, rng)
		r.trace.note("over: %s", f.Name)
	}
}

// networkFaults are those of the relays. Each hits some connections, or all.
func (r *round) networkFaults() []Fault {
	each := func(rng *rand.Rand, f func(*link)) {
		chance := []float64{0.3, 0.6, 2}[rng.IntN(3)]
		for _, s := range r.sessions {
			for _, k := range s.relay.some(rng, chance) {
				f(k)
			}
		}
	}
	return []Fault{
		{Name: "cut in the middle of what passes", Do: func(_ context.Context, rng *rand.Rand) {
			each(rng, func(k *link) { k.cutAfter(rng.IntN(2), 1+rng.IntN(2000), rng.IntN(2) == 0) })
		}},
		{Name: "reset", Do: func(_ context.Context, rng *rand.Rand) {
			each(rng, func(k *link) { k.end(true, "reset") })
		}},
		{Name: "mute, and then reset", Do: func(ctx context.Context, rng *rand.Rand) {
			var muted []*link
			d := between(rng, networkDelay/2, 3*networkDelay)
			each(rng, func(k *link) {
				k.mute(rng.IntN(2), 2*d)
				muted = append(muted, k)
			})
			sleep(ctx, d)
			for _, k := range muted {
				k.end(true, "mute, and then reset")
			}
		}},
		{Name: "mute, and then late", Do: func(ctx context.Context, rng *rand.Rand) {
			d := between(rng, networkDelay/2, 3*networkDelay)
			each(rng, func(k *link) {
				way := rng.IntN(3)
				for w := range 2 {
					if way != w {
						k.mute(w, d)
					}
				}
			})
			sleep(ctx, d/2)
		}},
		{Name: "refused", Do: func(ctx context.Context, rng *rand.Rand) {
			d := between(rng, 100*time.Millisecond, 2*time.Second)
			for _, s := range r.sessions {
				s.relay.refuse(d)
			}
			each(rng, func(k *link) { k.end(rng.IntN(2) == 0, "refused") })
			sleep(ctx, d)
		}},
	}
}

func between(rng *rand.Rand, least, most time.Duration) time.Duration {
	return least + time.Duration(rng.Int64N(int64(most-least)))
}
