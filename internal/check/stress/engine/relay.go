package engine

import (
	"context"
	"errors"
	"math/rand/v2"
	"net"
	"sync"
	"time"
)

// The directions of a link.
const (
	up   = iota // from the client
	down        // from the server
)

// A relay is the network between one session and the server.
type relay struct {
	l     net.Listener
	to    func() string // where the server listens now
	name  string        // of the session
	trace *trace
	wg    sync.WaitGroup

	mu    sync.Mutex
	links map[*link]struct{}
	shut  bool
	away  time.Time // until then new connections are broken
}

// A link is a connection of a client, joined with one to the server.
type link struct {
	id      int
	in, out net.Conn
	r       *relay

	mu    sync.Mutex
	muted [2]time.Time // until when nothing passes
	left  [2]int       // bytes that pass before it is cut; -1: any number
	reset bool         // it is cut by RST
	over  chan struct{}
	once  sync.Once
}

func newRelay(name string, to func() string, t *trace) (*relay, error) {
	l, err := (&net.ListenConfig{}).Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	r := &relay{l: l, to: to, name: name, trace: t, links: map[*link]struct{}{}}
	r.wg.Go(r.accept)
	return r, nil
}

func (r *relay) addr() string { return r.l.Addr().String() }

func (r *relay) accept() {
	for {
		in, err := r.l.Accept()
		if err != nil {
			return
		}
		r.wg.Go(func() { r.join(in) })
	}
}

// join passes a connection on until it ends.
func (r *relay) join(in net.Conn) {
	if r.refuses() {
		abort(in)
		return
	}
	out, err := (&net.Dialer{Timeout: time.Second}).Dial("tcp", r.to())
	if err != nil {
		abort(in)
		return
	}
	k := &link{id: r.trace.begins(r.name), in: in, out: out, r: r, left: [2]int{-1, -1}, over: make(chan struct{})}
	r.mu.Lock()
	r.links[k] = struct{}{}
	shut := r.shut
	r.mu.Unlock()
	if shut {
		k.end(true, "the relay was closed")
	}
	var back sync.WaitGroup
	back.Go(func() { k.pass(down, in, out) })
	k.pass(up, out, in)
	back.Wait()
	r.mu.Lock()
	delete(r.links, k)
	r.mu.Unlock()
}

func (r *relay) refuses() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.shut || time.Now().Before(r.away)
}

// close breaks everything and waits for the goroutines.
func (r *relay) close() {
	_ = r.l.Close()
	r.mu.Lock()
	r.shut = true
	for k := range r.links {
		k.end(true, "the relay was closed")
	}
	r.mu.Unlock()
	r.wg.Wait()
}

// some are links, each with the chance.
func (r *relay) some(rng *rand.Rand, chance float64) (out []*link) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for k := range r.links {
		if rng.Float64() < chance {
			out = append(out, k)
		}
	}
	return out
}

// refuse breaks new connections for a while.
func (r *relay) refuse(d time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.away = time.Now().Add(d)
}

// calm ends what was begun and has not ended by itself.
func (r *relay) calm() {
	r.refuse(0)
	for _, k := range r.some(rand.New(rand.NewPCG(0, 0)), 2) {
		k.mu.Lock()
		k.left, k.muted = [2]int{-1, -1}, [2]time.Time{}
		k.mu.Unlock()
	}
}

// cutAfter cuts the link, by RST or else by FIN, in the middle of what passes.
func (k *link) cutAfter(way, bytes int, reset bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.left[way], k.reset = bytes, reset
}

// mute has nothing pass for a while. What is sent meanwhile comes afterwards.
func (k *link) mute(way int, d time.Duration) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.muted[way] = time.Now().Add(d)
}

// end breaks the link.
func (k *link) end(reset bool, why string) {
	k.once.Do(func() {
		k.r.trace.ends(k.id, why, reset)
		close(k.over)
		if reset {
			abort(k.in)
			abort(k.out)
		}
		_ = k.in.Close()
		_ = k.out.Close()
	})
}

func abort(c net.Conn) {
	if tcp, ok := c.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
	_ = c.Close()
}

// pass passes one direction on until the link ends.
func (k *link) pass(way int, to, from net.Conn) {
	names := [2]string{"the client", "the server"}
	buf := make([]byte, 32<<10)
	var read, written scanner
	for {
		n, err := from.Read(buf)
		if err != nil {
			k.end(false, names[way]+" ended it: "+end(err))
			return
		}
		if way == down {
			read.scan(k.r.trace, buf[:n], wrote, k.id)
		}
		begun := time.Now()
		if !k.waits(way) {
			return
		}
		if way == up && time.Since(begun) > networkDelay/4 {
			k.r.trace.late(k.id)
		}
		b, cut := k.room(way, buf[:n])
		if _, err := to.Write(b); err != nil {
			k.end(false, names[1-way]+" takes nothing: "+end(err))
			return
		}
		if way == down {
			written.scan(k.r.trace, b, passed, k.id)
		}
		if cut {
			k.end(k.reset, "cut")
			return
		}
	}
}

func end(err error) string {
	if errors.Is(err, net.ErrClosed) {
		return "closed"
	}
	return err.Error()
}

// waits waits while the direction is mute, and reports whether the link lives.
func (k *link) waits(way int) bool {
	for {
		k.mu.Lock()
		left := time.Until(k.muted[way])
		k.mu.Unlock()
		if left <= 0 {
			return true
		}
		select {
		case <-k.over:
			return false
		case <-time.After(min(left, 20*time.Millisecond)): // calm may end it
		}
	}
}

// room is what of b still passes, and whether the link is cut then.
func (k *link) room(way int, b []byte) ([]byte, bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.left[way] < 0 {
		return b, false
	}
	n := min(len(b), k.left[way])
	k.left[way] -= n
	return b[:n], k.left[way] == 0
}
