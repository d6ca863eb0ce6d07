package client

import "github.com/turold/turold/bayeux"

// An entry is what a subscription yields: a message, or a gap.
type entry struct {
	m   bayeux.Message
	gap *GapError
}

// item is what the application gets of e.
func (e *entry) item() Item[bayeux.Message] {
	if e.gap != nil {
		return ItemOfGap[bayeux.Message](e.gap)
	}
	return Item[bayeux.Message]{value: e.m, ok: true, channel: e.m.Channel}
}

// A deque is a ring that grows.
type deque struct {
	ring []entry
	head int
	n    int
}

// idleRing is the largest ring kept when it runs empty.
const idleRing = 128

func (d *deque) at(i int) *entry { return &d.ring[(d.head+i)%len(d.ring)] }

func (d *deque) grow() {
	if d.n < len(d.ring) {
		return
	}
	ring := make([]entry, max(8, 2*len(d.ring)))
	for i := range d.n {
		ring[i] = *d.at(i)
	}
	d.ring, d.head = ring, 0
}

func (d *deque) pushBack(e entry) {
	d.grow()
	d.n++
	*d.at(d.n - 1) = e
}

func (d *deque) pushFront(e entry) {
	d.grow()
	d.head = (d.head + len(d.ring) - 1) % len(d.ring)
	d.n++
	*d.at(0) = e
}

func (d *deque) popFront() entry {
	e := *d.at(0)
	*d.at(0) = entry{}
	d.head = (d.head + 1) % len(d.ring)
	d.n--
	if d.n == 0 && len(d.ring) > idleRing {
		*d = deque{}
	}
	return e
}
