package load

import (
	"sync"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// The range of what is measured, and its precision: three digits. What is
// beyond counts as its end.
const (
	shortest = time.Microsecond
	longest  = 10 * time.Minute
	digits   = 3
)

func newHistogram() *hdrhistogram.Histogram {
	return hdrhistogram.New(int64(shortest), int64(longest), digits)
}

// A recorder is a histogram that many goroutines record in at once. They are
// spread over shards by a number of theirs, to stand in each other's way less.
type recorder struct{ shards [8]shard }

type shard struct {
	mu sync.Mutex
	h  *hdrhistogram.Histogram
}

func newRecorder() *recorder {
	r := new(recorder)
	for i := range r.shards {
		r.shards[i].h = newHistogram()
	}
	return r
}

func (r *recorder) record(who int, d time.Duration) {
	s := &r.shards[who%len(r.shards)]
	s.mu.Lock()
	defer s.mu.Unlock()
	_ = s.h.RecordValue(int64(min(max(d, 0), longest))) // it fits
}

// sum is everything that was recorded until now.
func (r *recorder) sum() *hdrhistogram.Histogram {
	all := newHistogram()
	for i := range r.shards {
		s := &r.shards[i]
		s.mu.Lock()
		all.Merge(s.h)
		s.mu.Unlock()
	}
	return all
}
