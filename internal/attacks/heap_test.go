package attacks_test

import (
	"runtime"
	"runtime/metrics"
	"sync"
	"time"
)

// A gauge watches the heap: objects that are in use, and those that were and are
// not yet collected.
type gauge struct {
	base, peak uint64
	quit       chan struct{}
	done       sync.WaitGroup
}

func watchHeap() *gauge {
	runtime.GC()
	runtime.GC() // the second one empties what the first has left in pools
	g := &gauge{base: heap(), quit: make(chan struct{})}
	g.done.Go(func() {
		for {
			g.peak = max(g.peak, heap())
			select {
			case <-g.quit:
				return
			case <-time.After(time.Millisecond):
			}
		}
	})
	return g
}

// grown is by how many bytes the heap has grown, at most.
func (g *gauge) grown() uint64 {
	close(g.quit)
	g.done.Wait()
	return max(g.peak, g.base) - g.base
}

func heap() uint64 {
	s := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
	metrics.Read(s)
	return s[0].Value.Uint64()
}
