package netfault

import (
	"errors"
	"sync"
	"time"
)

// The addresses of the hosts, of a net that is for benchmarks (RFC 2544).
const (
	nearIP = "198.18.0.1"
	farIP  = "198.18.0.2"
	mask   = "255.255.255.0"
)

// A Net is two hosts and the link between them, which passes everything at
// once until it is told otherwise. It must be closed. Its methods are safe for
// concurrent use.
type Net struct {
	Near, Far *Host

	toFar, toNear *way
	flows         *flows
	wg            sync.WaitGroup
}

// Conditions are those of one direction of the link. Zero passes everything at
// once.
type Conditions struct {
	Delay time.Duration
	// Jitter is added to Delay, up to as much and for each packet anew: packets overtake each other.
	Jitter    time.Duration
	Loss      float64 // the share of packets that vanish, 0 to 1
	Duplicate float64 // the share of packets that come twice, 0 to 1
	Silent    bool    // all vanish
	NoOpening bool    // those that open a connection vanish
}

// Counts are what became of the packets of one direction.
type Counts struct {
	Passed    int // once or twice
	Lost      int // by Loss, Silent and NoOpening
	Doubled   int
	Overtaken int // arrived after one that was sent later
}

// New makes a Net.
func New() (*Net, error) {
	near, err := newHost(nearIP)
	if err != nil {
		return nil, err
	}
	far, err := newHost(farIP)
	if err != nil {
		return nil, errors.Join(err, near.close())
	}
	n := &Net{Near: near, Far: far, flows: newFlows(), toFar: newWay(near.tun, far.tun), toNear: newWay(far.tun, near.tun)}
	for direction, w := range []*way{toFar: n.toFar, toNear: n.toNear} {
		n.wg.Go(func() { w.pump(func(s segment) bool { return n.judge(direction, s) }) })
		n.wg.Go(w.deliver)
	}
	return n, nil
}

// Set changes the conditions of both directions. What is on its way arrives as
// it would have.
func (n *Net) Set(toFar, toNear Conditions) {
	n.toFar.set(toFar)
	n.toNear.set(toNear)
}

// Reset resets every connection that passes the link, at both ends, as a
// firewall that lost its memory does, and returns how many there were. New ones
// pass.
func (n *Net) Reset() int {
	count, resets := n.flows.condemn(fate{reset: true})
	for _, r := range resets {
		n.inject(r)
	}
	return count
}

// Swallow has the packets of every connection that passes the link vanish from
// now on, in the directions that are true, as a translator of addresses does
// that forgot them. New ones pass. It returns how many there were.
func (n *Net) Swallow(toFar, toNear bool) int {
	count, _ := n.flows.condemn(fate{swallow: [2]bool{toFar, toNear}})
	return count
}

// Opened is how many connections the near host began to open; attempts of its
// kernel to open the same one again are not counted.
func (n *Net) Opened() int { return n.flows.count() }

// Counts are those of both directions, since New.
func (n *Net) Counts() (toFar, toNear Counts) { return n.toFar.counted(), n.toNear.counted() }

// Close removes the link. The hosts go with the last process and socket in them.
func (n *Net) Close() error {
	n.toFar.end()
	n.toNear.end()
	err := errors.Join(n.Near.close(), n.Far.close())
	n.wg.Wait()
	return err
}

// judge reports whether a segment may go on.
func (n *Net) judge(direction int, s segment) bool {
	pass, back := n.flows.judge(direction, s)
	if back != nil {
		n.inject(*back)
	}
	return pass
}

// inject delivers a packet of the link's own making, over no conditions. If it
// is lost, the next packet of the flow makes another.
func (n *Net) inject(r reset) {
	to := n.toFar.to
	if r.direction == toNear {
		to = n.toNear.to
	}
	_, _ = to.Write(r.packet)
}
