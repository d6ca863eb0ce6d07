package netfault

import "sync"

// The directions, as indexes.
const (
	toFar = iota
	toNear
)

// A flow is a TCP connection that the link has seen being opened.
type flow struct {
	opening uint32      // the sequence number with which
	last    [2]*segment // seen in each direction
	ended   [2]bool     // it said so
	fate    fate
}

// A fate is what becomes of the packets of a flow; zero: they pass.
type fate struct {
	reset   bool
	swallow [2]bool
}

// A reset is a packet of the link's own making.
type reset struct {
	direction int
	packet    []byte
}

// flows are those that live, by their ports: the addresses are always the same.
type flows struct {
	mu     sync.Mutex
	live   map[ports]*flow
	opened int
}

// ports are those of the near and the far host.
type ports [2]uint16

func newFlows() *flows { return &flows{live: map[ports]*flow{}} }

func (f *flows) count() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.opened
}

// judge reports whether a segment may pass; nil but for a reset, which goes
// back in its place.
func (f *flows) judge(direction int, s segment) (pass bool, back *reset) {
	f.mu.Lock()
	defer f.mu.Unlock()
	at := ports{s.fromPort, s.toPort}
	if direction == toNear {
		at = ports{s.toPort, s.fromPort}
	}
	known := f.live[at]
	if s.opens() && (known == nil || known.opening != s.seq) {
		known = &flow{opening: s.seq}
		f.live[at] = known
		f.opened++
	}
	if known == nil {
		return true, nil // the last words of one that ended
	}
	known.last[direction] = &s
	known.ended[direction] = known.ended[direction] || s.has(fin)
	switch {
	case known.fate.reset && s.has(rst):
		return false, nil
	case known.fate.reset:
		return false, &reset{1 - direction, s.refusal()}
	case s.has(rst), known.ended == [2]bool{true, true}:
		delete(f.live, at)
	}
	return !known.fate.swallow[direction], nil
}

// condemn gives a fate to each flow that has none, and returns how many and
// the resets by which both their ends could be told.
func (f *flows) condemn(to fate) (count int, resets []reset) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, known := range f.live {
		if known.fate != (fate{}) {
			continue
		}
		known.fate = to
		count++
		for direction, s := range known.last {
			if s != nil {
				resets = append(resets, reset{1 - direction, s.refusal()})
			}
		}
	}
	return count, resets
}
