package attacks_test

import (
	"runtime"
	"runtime/metrics"
	"sync"
	"time"
)

// A gauge watches the heap. It collects garbage all the time, so that what it
// finds is what is in use.
type gauge struct {
	base, live, all uint64 // bytes: before; at most, in use; at most, with the garbage
	quit            chan struct{}
	done            sync.WaitGroup
}

func watchHeap() *gauge {
	runtime.GC()
	runtime.GC() // the second one empties what the first has left in pools
	g := &gauge{quit: make(chan struct{})}
	g.base, _ = heap()
	g.done.Go(func() {
		for {
			select {
			case <-g.quit:
				return
			case <-time.After(time.Millisecond):
			}
			_, all := heap()
			runtime.GC()
			live, _ := heap()
			g.live, g.all = max(g.live, live), max(g.all, all)
		}
	})
	return g
}

// grown is by how many bytes the heap has grown, at most: what was in use, and
// that with the garbage.
func (g *gauge) grown() (live, all uint64) {
	close(g.quit)
	g.done.Wait()
	return max(g.live, g.base) - g.base, max(g.all, g.base) - g.base
}

func heap() (live, all uint64) {
	s := []metrics.Sample{{Name: "/gc/heap/live:bytes"}, {Name: "/memory/classes/heap/objects:bytes"}}
	metrics.Read(s)
	return s[0].Value.Uint64(), s[1].Value.Uint64()
}
