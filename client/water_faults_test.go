package client

import (
	"fmt"
	"slices"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/turold/turold/bayeux"
	"github.com/turold/turold/transport"
)

// late has what a leg that is gone still holds arrive, or not.
func (w *water) late(l *waterLeg) {
	for len(l.asked) > 0 {
		if rapid.IntRange(0, 3).Draw(w.T, "lost") == 0 {
			l.asked = nil
			return
		}
		w.take(l)
	}
}

// pass lets time go by: what must arrive within it does, and connects are answered.
func (w *water) pass(d time.Duration) {
	end := time.Now().Add(d)
	for {
		first := end
		var due *waterLeg
		for _, l := range w.legs {
			if len(l.asked) > 0 && !l.last.IsZero() && !l.last.After(first) {
				first, due = l.last, l
			}
		}
		time.Sleep(time.Until(first) - 1)
		if due == nil {
			break
		}
		synctest.Wait()
		w.late(due)
	}
	time.Sleep(time.Until(end))
	synctest.Wait()
	if l := w.connect; l != nil && (w.session == "" || w.last || time.Since(l.opened) > 20*time.Second) {
		w.connect = nil
		switch {
		case w.session == "":
			w.say(l, fmt.Sprintf(`{"channel":"/meta/connect","id":%q,"successful":false,"error":"402::session_unknown","advice":{"reconnect":"handshake"}}`, l.held))
		case w.last:
			w.say(l, reply(bayeux.MetaConnect, l.held, `"advice":{"reconnect":"none"}`))
		default:
			w.say(l, reply(bayeux.MetaConnect, l.held))
		}
		if len(l.asked)+len(l.answers) == 0 {
			w.close(l)
		}
	}
	w.poll()
}

// poll sends the connect if one is due.
func (w *water) poll() {
	if w.connect != nil {
		return
	}
	l := w.leg(true)
	ms := w.h.Next(transport.LaneConnect, l.Leg)
	if ms == nil {
		w.forget(l)
		return
	}
	l.held, l.drawn, l.took, w.connect = ms[0].ID, true, true, l
}

// cuts ends what the client has cut.
func (w *water) cuts() {
	for _, l := range w.live() {
		w.mu.Lock()
		cause := w.cut[l.ID]
		w.mu.Unlock()
		if cause != nil {
			w.end(l, &transport.Error{Op: "cut", Err: cause})
		}
	}
}

// turn does one thing that may happen on a network, or to a server.
func (w *water) turn() {
	switch rapid.IntRange(0, 10).Draw(w.T, "network") {
	case 0, 1, 2:
		var l *waterLeg
		sockets := slices.DeleteFunc(w.live(), func(l *waterLeg) bool { return l.Once })
		free := !slices.ContainsFunc(w.live(), func(l *waterLeg) bool { return l.Once && l != w.connect })
		switch {
		case len(sockets) > 0 && rapid.Bool().Draw(w.T, "old"):
			l = w.any(sockets)
		case free && rapid.Bool().Draw(w.T, "http"):
			l = w.leg(true)
		default:
			l = w.leg(false)
		}
		w.draw(l)
	case 3, 4:
		if l := w.any(w.legs); l != nil {
			w.take(l)
		}
	case 5, 6:
		if l := w.any(w.live()); l != nil {
			w.answer(l, 1)
		}
	case 7:
		if l := w.any(w.live()); l != nil {
			w.answer(l, rapid.SampledFrom([]int{0, 2}).Draw(w.T, "times"))
		}
	case 8:
		if l := w.any(w.live()); l != nil {
			w.breaks(l)
		}
	case 9:
		w.pass(time.Duration(rapid.IntRange(1, 15_000).Draw(w.T, "ms")) * time.Millisecond)
	case 10:
		if rapid.IntRange(0, 4).Draw(w.T, "forgets") == 0 {
			w.note("the server forgets the session")
			w.session = ""
			w.begins()
		}
	}
	synctest.Wait()
	if rapid.Bool().Draw(w.T, "cuts") {
		w.cuts()
	}
	w.poll()
}

// breaks ends a leg, and says what is known of what left on it.
func (w *water) breaks(l *waterLeg) {
	err := reset(false)
	if !l.took {
		switch rapid.IntRange(0, 3).Draw(w.T, "known") {
		case 0:
			l.asked, err.Unsent = nil, true
		case 1:
			for _, r := range l.asked {
				err.TooLarge = append(err.TooLarge, r.ID)
			}
			l.asked = nil
		}
	}
	w.end(l, err)
}

// work lets some seconds pass in which the network does what it should, by way
// of *leg, or another of its kind.
func (w *water) work(leg **waterLeg) {
	for range 8 {
		w.cuts()
		if l := *leg; !l.gone.IsZero() || l.Once && l.drawn {
			*leg = w.leg(l.Once)
		}
		once := (*leg).Once
		w.draw(*leg)
		if !slices.Contains(w.legs, *leg) {
			*leg = w.leg(once)
		}
		for _, l := range w.live() {
			for len(l.asked) > 0 {
				w.take(l)
			}
			for len(l.answers) > 0 && l.gone.IsZero() {
				w.answer(l, 1)
			}
		}
		w.pass(500 * time.Millisecond)
	}
}
