package netfault

import (
	"bytes"
	"container/heap"
	"math/rand/v2"
	"os"
	"sync"
	"time"
)

// A way is one direction of the link.
type way struct {
	from, to *os.File

	mu      sync.Mutex
	is      Conditions
	counts  Counts
	sent    int // packets that were put on their way
	arrived int // the latest of them that arrived
	waiting line
	wake    chan struct{} // what is first in line has changed; holds one
	done    chan struct{}
}

// A letter is a packet on its way.
type letter struct {
	packet []byte
	number int
	due    time.Time
}

func newWay(from, to *os.File) *way {
	return &way{from: from, to: to, wake: make(chan struct{}, 1), done: make(chan struct{})}
}

func (w *way) set(c Conditions) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.is = c
}

func (w *way) counted() Counts {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.counts
}

func (w *way) end() { close(w.done) }

// pump reads packets until the interface is closed, and posts those that may pass.
func (w *way) pump(pass func(segment) bool) {
	b := make([]byte, 64<<10)
	for {
		n, err := w.from.Read(b)
		if err != nil {
			return
		}
		if s, ok := parse(b[:n]); ok && pass(s) {
			w.post(bytes.Clone(b[:n]), s.opens())
		}
	}
}

// post puts a packet on its way, by the conditions of the moment.
func (w *way) post(p []byte, opens bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.is.Silent || w.is.NoOpening && opens || rand.Float64() < w.is.Loss {
		w.counts.Lost++
		return
	}
	w.counts.Passed++
	w.sent++
	w.queue(p)
	if rand.Float64() < w.is.Duplicate {
		w.counts.Doubled++
		w.queue(p)
	}
	select {
	case w.wake <- struct{}{}:
	default:
	}
}

// queue has a packet wait for its time; w.mu is held.
func (w *way) queue(p []byte) {
	l := letter{packet: p, number: w.sent, due: time.Now().Add(w.is.Delay)}
	if w.is.Jitter > 0 {
		l.due = l.due.Add(rand.N(w.is.Jitter))
	}
	heap.Push(&w.waiting, l)
}

// deliver hands packets over when they are due.
func (w *way) deliver() {
	for {
		p, pause := w.next()
		if p != nil {
			_, _ = w.to.Write(p) // an interface that is full, or gone, loses it, as they do
			continue
		}
		select {
		case <-w.done:
			return
		case <-w.wake:
		case <-time.After(pause):
		}
	}
}

// next takes the packet that is due, or says how long there is none.
func (w *way) next() ([]byte, time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.waiting) == 0 {
		return nil, time.Hour
	}
	if pause := time.Until(w.waiting[0].due); pause > 0 {
		return nil, pause
	}
	l := heap.Pop(&w.waiting).(letter)
	if l.number < w.arrived {
		w.counts.Overtaken++
	}
	w.arrived = max(w.arrived, l.number)
	return l.packet, 0
}

// A line is a heap: first is what is due first, and was sent first of those.
type line []letter

func (l line) Len() int      { return len(l) }
func (l line) Swap(i, j int) { l[i], l[j] = l[j], l[i] }
func (l line) Less(i, j int) bool {
	if l[i].due.Equal(l[j].due) {
		return l[i].number < l[j].number
	}
	return l[i].due.Before(l[j].due)
}
func (l *line) Push(x any) { *l = append(*l, x.(letter)) }
func (l *line) Pop() any {
	last := len(*l) - 1
	x := (*l)[last]
	(*l)[last] = letter{}
	*l = (*l)[:last]
	return x
}
