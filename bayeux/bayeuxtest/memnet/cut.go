package memnet

import (
	"io"
	"slices"
	"sync"
	"syscall"
	"time"
)

// A Cut is what becomes of a connection at the byte that [Network.CutAt] names.
type Cut uint8

const (
	// FIN has both ends read io.EOF behind what has arrived. What they write is
	// lost without an error, as with TCP until the other side's reset has come.
	FIN Cut = iota
	// RST has reads and writes fail at both ends with syscall.ECONNRESET, behind
	// what has arrived; what was on its way in the other direction is lost.
	RST
	// Mute has nothing more pass in this direction, the end of the stream
	// included. Neither end gets an error: the reader waits, and the writer does
	// once 64 KiB are on their way.
	Mute
)

// CutAt cuts one connection to an address at a byte that goes to the listener
// (up), or comes from it. Bytes are counted from zero over all connections to
// the address since the Network was made, in the order in which they are
// written. Those before the byte arrive, and when the byte would, the
// connection that carries it is cut. There is one such byte in each direction: a
// later call replaces an earlier one whose byte was not written yet. With a byte
// that was written already, nothing is cut. What one connection is cut by does
// not touch the others.
func (n *Network) CutAt(addr string, up bool, at int64, how Cut) {
	m := n.meter(addr, up)
	m.mu.Lock()
	defer m.mu.Unlock()
	m.set, m.at, m.how = at >= m.n, at, how
}

// Silence has nothing more pass on the connections to an address there are, in
// both directions, the end of the stream included, and neither end gets an error:
// it is [Mute] for all of them. What is on its way arrives. New connections are
// whole. It returns how many connections there were.
func (n *Network) Silence(addr string) int {
	n.mu.Lock()
	conns := slices.Clone(n.host(addr).conns)
	n.mu.Unlock()
	for _, c := range conns {
		for _, h := range []*half{c.r, c.w} {
			h.end(func() { h.lose(Mute, time.Time{}) })
		}
	}
	return len(conns)
}

// Written is how many bytes were written to an address (up), or by its listener's
// connections, since the Network was made. What is lost behind a cut is not
// counted.
func (n *Network) Written(addr string, up bool) int64 {
	m := n.meter(addr, up)
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.n
}

// CutTime is when the last cut is made that CutAt asked for in a direction: when
// the byte would have arrived. It is zero until such a byte was written.
func (n *Network) CutTime(addr string, up bool) time.Time {
	m := n.meter(addr, up)
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.done
}

func (n *Network) meter(addr string, up bool) *meter {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.host(addr).meter(up)
}

func (h *host) meter(up bool) *meter {
	if up {
		return &h.sent[0]
	}
	return &h.sent[1]
}

// A meter counts what is written in one direction to or by an address.
type meter struct {
	mu   sync.Mutex
	n    int64
	set  bool // a cut is to come
	at   int64
	how  Cut
	done time.Time
}

// pass counts n bytes that would arrive at an instant, and returns how many of
// them pass and whether the connection is cut behind them.
func (m *meter) pass(n int, at time.Time) (int, Cut, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if left := m.at - m.n; m.set && left < int64(n) {
		m.n, m.set, m.done = m.at, false, at
		return int(left), m.how, true
	}
	m.n += int64(n)
	return n, 0, false
}

// lose has what is written from now on go nowhere, and the connection cut at an
// instant. Called with h.mu held.
func (h *half) lose(how Cut, at time.Time) {
	h.lost, h.mute = true, how == Mute
	if how != Mute {
		time.AfterFunc(time.Until(at), func() { h.cut(how) })
	}
}

// cut makes the cut of both directions that is due in one of them.
func (c *conn) cut(in *half, how Cut) {
	for _, h := range []*half{c.r, c.w} {
		h.end(func() {
			h.lost = true
			switch how {
			case FIN:
				h.last = io.EOF
			case RST:
				h.last = syscall.ECONNRESET
				if h != in {
					h.chunks, h.size = nil, 0
				}
			}
		})
	}
	if how == RST {
		c.closed()
	}
}
