package main

import (
	"cmp"
	"time"

	"github.com/turold/turold/bayeux"
	"github.com/turold/turold/bayeux/bayeuxtest/hostile"
)

// A fault breaks something, and returns what heals it; nil: it heals by itself.
type fault struct {
	name string
	do   func(w *world) func()
}

// addrs are one of the two addresses, or both.
func (w *world) addrs() addrs {
	return pick(w.rng, addrs{atHTTP}, addrs{atSocket}, addrs{atSocket}, addrs{atHTTP, atSocket})
}

type addrs []string

// each does it to each of them now, and returns what does undo.
func (all addrs) each(do, undo func(addr string)) func() {
	for _, a := range all {
		do(a)
	}
	return func() {
		for _, a := range all {
			undo(a)
		}
	}
}

var faults = []fault{
	{"reset", func(w *world) func() { w.addrs().each(func(a string) { w.net.Reset(a) }, nil); return nil }},
	{"reset and refuse", func(w *world) func() {
		return w.addrs().each(
			func(a string) { w.net.Refuse(a, true); w.net.Reset(a) },
			func(a string) { w.net.Refuse(a, false) })
	}},
	{"black hole", func(w *world) func() {
		return w.addrs().each(
			func(a string) { w.net.BlackHole(a, true); w.net.Stall(a, true, true) },
			func(a string) { w.net.BlackHole(a, false); w.net.Stall(a, false, false) })
	}},
	{"stall", func(w *world) func() {
		all, up := w.addrs(), w.rng.IntN(2) == 0
		return all.each(
			func(a string) { w.net.Stall(a, up, !up) },
			func(a string) { w.net.Stall(a, false, false) })
	}},
	{"hostile", func(w *world) func() {
		n := w.rng.IntN(6)
		f := pick(w.rng,
			hostile.Fault{Upgrade: hostile.Forbidden}, hostile.Fault{Upgrade: hostile.SignIn}, hostile.Fault{Hang: true}, hostile.Fault{WrongAccept: true},
			hostile.Fault{DropFirst: true}, hostile.Fault{MuteUp: true, After: n}, hostile.Fault{MuteDown: true, After: n},
			hostile.Fault{MuteUp: true, MuteDown: true, After: n}, hostile.Fault{ResetAfter: 1 + 200*n}, hostile.Fault{HTTP: hostile.SignIn},
			hostile.Fault{HTTP: &hostile.Answer{Status: 503}}, hostile.Fault{Buffer: 2048})
		w.set(f)
		for _, d := range w.doors {
			d.way.Cut() // so that it is met
		}
		return func() { w.set(hostile.Fault{}) }
	}},
	{"short lives", func(w *world) func() {
		f := pick(w.rng, hostile.Fault{Idle: 4 * time.Second}, hostile.Fault{Lifetime: 9 * time.Second}, hostile.Fault{Lifetime: 35 * time.Second})
		w.set(f)
		w.net.Reset(atHTTP)
		w.net.Reset(atSocket)
		return func() { w.set(hostile.Fault{}) }
	}},
	{"restart", func(w *world) func() {
		w.stop()
		return w.serve
	}},
	{"forgotten", func(w *world) func() { w.nodes[0].Load().Forget(""); return nil }},
	{"cut by the server", func(w *world) func() { w.nodes[0].Load().CutAll(); return nil }},
	{"another network", func(w *world) func() { w.dialer.NetworkChanged(); return nil }},
	{"stands still", func(w *world) func() {
		still := make(chan struct{})
		w.still.Store(&still)
		w.sleep(w.patience() + time.Duration(w.rng.Int64N(int64(w.patience()))))
		return func() {
			w.woke.Store(time.Now().UnixNano())
			w.still.Store(nil)
			close(still)
		}
	}},
	{"replies lost", func(w *world) func() { w.odd.Store(lost); return func() { w.odd.Store(asTheyAre) } }},
	{"replies doubled", func(w *world) func() { w.odd.Store(doubled); return func() { w.odd.Store(asTheyAre) } }},
	{"sockets led astray", func(w *world) func() {
		w.astray.Store(true)
		w.net.Reset(w.socket)
		return func() { w.astray.Store(false) }
	}},
}

func (w *world) set(f hostile.Fault) {
	for _, d := range w.doors {
		d.way.Set(f)
	}
}

// breaking breaks one thing after the other.
func (w *world) breaking() {
	for start := time.Now(); time.Since(start) < trouble/w.pace; {
		w.sleep(time.Duration(w.rng.IntN(15_000)) * time.Millisecond / w.pace)
		f := faults[w.rng.IntN(len(faults))]
		w.note("fault", f.name)
		w.tally.count("fault: "+f.name, 1)
		heal := f.do(w)
		if heal == nil {
			continue
		}
		w.sleep(time.Duration(1+w.rng.IntN(20_000)) * time.Millisecond / w.pace)
		w.note("healed", f.name)
		heal()
	}
}

// patience is how long a session waits for an answer.
func (w *world) patience() time.Duration { return cmp.Or(w.delay, 10*time.Second) }

// awake reports whether the servers stood still a short while ago. Requests that sessions
// gave up meanwhile are taken then, and without ack events go with the answers, of which
// no session can know.
func (w *world) awake() bool { return time.Since(time.Unix(0, w.woke.Load())) < onItsWay }

// standStill holds up what a server takes, and what it answers, while it stands still.
func (w *world) standStill() {
	if still := w.still.Load(); still != nil {
		<-*still
	}
}

// What becomes of the replies to commands.
const (
	asTheyAre = iota
	lost      // every other one
	doubled
)

// rewrite loses or doubles replies. What else there is in a frame or body stays.
func (w *world) rewrite(ms []bayeux.Message, body []byte) []byte {
	odd := w.odd.Load()
	if odd == asTheyAre {
		return body
	}
	var out []bayeux.Message
	for i := range ms {
		m := &ms[i]
		answers := m.Data == nil && m.Channel != bayeux.MetaConnect && m.Channel != bayeux.MetaHandshake
		switch {
		case answers && odd == lost && w.parity.Add(1)%2 == 0:
			w.tally.count("replies lost", 1)
			continue
		case answers && odd == doubled:
			out = append(out, *m)
		}
		out = append(out, *m)
	}
	if len(out) == 0 {
		return nil
	}
	return bayeux.Append(nil, out)
}
