package fallback

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/turold/turold/bayeux"
	"github.com/turold/turold/internal/mono"
	"github.com/turold/turold/transport"
)

// next is the Handler's Next.
func (w *autoModel) next(lane transport.Lane, l *autoModelLeg) (b []bayeux.Message) {
	w.require(lane == transport.LaneCommands || w.connect == 0 || w.connect == l.id, "a connect is asked for while one is out elsewhere")
	switch {
	case lane == transport.LaneCommands && !w.session && w.shake == 0:
		w.shake, b = l.id, batch(w.t, handshake)
	case !w.session:
	case lane == transport.LaneCommands && w.commands > 0:
		w.commands, b = 0, batch(w.t, `[{"channel":"/a","id":"7","data":1}]`)
	case lane == transport.LaneConnect && w.connect == 0:
		w.connect = l.id
		b = batch(w.t, held)
	}
	l.given = l.given || b != nil
	return b
}

// handlerEnd is the Handler's End.
func (w *autoModel) handlerEnd(id transport.LegID) {
	if w.shake == id {
		w.shake = 0
	}
	if w.connect == id {
		w.connect = 0
	}
}

// typed gives an ask the connectionType of the leg.
func typed(e event) event {
	if e.kind == eventAsk {
		e.transport = [...]string{socketPipe: transport.WebSocket, httpPipe: transport.LongPolling}[e.pipe]
	}
	return e
}

// asks has a leg ask.
func (w *autoModel) asks(p pipe, lane transport.Lane, l *autoModelLeg) bool {
	moves := p == socketPipe && w.auto.phase == awaitingExchanges
	fx := w.step(event{kind: eventAsk, pipe: p, leg: l.id, lane: lane})
	w.require(!moves || !fx.pass || l.proven, "the session moves to a socket that has not answered")
	w.require(!moves || !fx.pass || !w.auto.hasDeferred(), "the session moves, and what HTTP brought waits")
	if !fx.pass {
		if fx.batch != nil {
			l.owed, l.own = append(l.owed, fx.batch), true
		}
		return fx.batch != nil
	}
	l.draws = true
	w.apart()
	w.meanwhile()
	b := w.next(lane, l)
	w.meanwhile()
	l.draws = false
	w.step(event{kind: eventDrawn, pipe: p, leg: l.id, batch: b})
	if b != nil { // it leaves
		l.owed = append(l.owed, b)
	}
	return b != nil
}

// meanwhile has other things happen: a draw takes its time.
func (w *autoModel) meanwhile() {
	for w.rng.IntN(3) == 0 {
		w.act(w.good)
	}
}

func (w *autoModel) ends(p pipe, l *autoModelLeg, err *transport.Error) {
	if w.cur == l {
		w.cur = nil
	}
	fx := w.step(event{kind: eventEnd, pipe: p, leg: l.id, err: err, sameHost: true})
	gone := func(all []*autoModelLeg) []*autoModelLeg {
		return slices.DeleteFunc(all, func(x *autoModelLeg) bool { return x == l })
	}
	w.require(fx.pass || !l.given || p == httpPipe, "the Handler does not hear of the end of a leg that it knows")
	if fx.pass {
		w.require(l.given || err != nil, "the Handler hears of a leg it does not know")
		w.handlerEnd(l.id)
		if fx.pass && err != nil && err.Err == errHolds {
			w.wake(transport.LaneCommands)
		}
	}
	w.posts, w.old = gone(w.posts), gone(w.old)
	w.step(event{kind: eventEndDelivered, pipe: p, leg: l.id})
	if p == httpPipe {
		w.lanes[l.lane] = true // the pipe draws again
	}
	if fx.pass {
		w.wake(transport.LaneCommands)
		w.wake(transport.LaneConnect)
	}
}

var errHolds = fails("read", 0)

// brings has the server answer what a leg carries, and relay what others publish
// in the same frame or body.
func (w *autoModel) brings(p pipe, l *autoModelLeg, text string) {
	ms := batch(w.t, text)
	for w.rng.IntN(3) == 0 {
		ms = slices.Insert(ms, w.rng.IntN(len(ms)+1), batch(w.t, w.imitation(l))...)
	}
	l.proven = true
	w.hands(p, l, ms)
}

// relays has the server relay what another publisher says, and nothing else: on a
// socket that decides nothing.
func (w *autoModel) relays(s *autoModelLeg) {
	before, mem := *w.auto, *w.auto.mem.stateOf("x")
	before.ws.requests.commands = slices.Clone(before.ws.requests.commands)
	fx := w.hands(socketPipe, s, batch(w.t, w.imitation(s)))
	after := *w.auto
	before.pathKey, after.pathKey = nil, nil
	before.rotation.quietAt, after.rotation.quietAt = mono.Time{}, mono.Time{} // of one that was left: it is read on while something comes
	w.require(reflect.DeepEqual(before, after) && reflect.DeepEqual(mem, *w.auto.mem.stateOf("x")), "an event decides")
	w.require(fx.decisions == nil && fx.cutSocket|fx.drainSocket|fx.cutHTTP == 0 && fx.wake == [2][2]bool{} && !fx.confirm, "an event has effects")
}

func (w *autoModel) imitation(l *autoModelLeg) string {
	ids, at := []string{"", "probe", "7"}, w.rng.Int()
	for _, b := range l.owed {
		ids = append(ids, b[0].ID)
	}
	return imitation(at, ids[w.rng.IntN(len(ids))], "/a")
}

// imitation is something that CometD or Faye relays from another publisher, who
// would like it to be the reply to what is out: Faye takes any id and wants
// data, CometD leaves the id out.
func imitation(n int, id string, ch bayeux.Channel) string {
	if ch.Meta() {
		ch = "/a"
	}
	says := []string{
		`"successful":true`,
		`"successful":false`,
		`"successful":false,"error":"402::session_unknown","advice":{"reconnect":"handshake"}`,
		`"error":"401:x:Unknown client"`,
		`"successful":true,"advice":{"reconnect":"none","interval":100000},"clientId":"x"`,
		`"successful":true,"clientId":"x","supportedConnectionTypes":["long-polling"],"version":"1.0"`,
		`"subscription":"/a","connectionType":"websocket","ext":{"ack":7}`,
	}[n%7]
	if n/7%2 == 0 {
		return fmt.Sprintf(`[{"channel":%q,%s}]`, ch, says)
	}
	return fmt.Sprintf(`[{"channel":%q,"id":%q,%s,"data":%s}]`, ch, id, says, []string{"1", "null", `{"channel":"/meta/connect","successful":true}`}[n/14%3])
}

// hands has a pipe hand messages up.
func (w *autoModel) hands(p pipe, l *autoModelLeg, ms []bayeux.Message) effects {
	for _, m := range ms {
		if m.Channel == bayeux.MetaConnect && m.ID != "3" {
			w.probes[m.ID] = true
		}
	}
	owned := w.auto.ws.stage.carries() && l.id == w.auto.ws.leg
	fx := w.step(event{kind: eventReceive, pipe: p, leg: l.id, batch: ms})
	up := ms
	if fx.batch != nil {
		up = fx.batch
	}
	answers := slices.DeleteFunc(slices.Clone(ms), func(m bayeux.Message) bool { return w.probes[m.ID] && m.Channel == bayeux.MetaConnect })
	if fx.pass {
		w.require(l.given || len(answers) < len(ms) || ms[0].Channel == "/a", "the Handler gets an answer on a leg it does not know")
		w.require(len(up) == len(answers), "the probe's answer is handed up, or more than it is kept back")
		w.received(l.id, up)
	} else if p == socketPipe && owned && fx.cutSocket == 0 {
		w.require(len(answers) == 0, "what came with the probe's answer is lost")
	}
	if fx.confirm {
		w.step(event{kind: eventReceiveDelivered, pipe: p, leg: l.id})
	}
	return fx
}

// received is the Handler's Receive.
func (w *autoModel) received(id transport.LegID, ms []bayeux.Message) {
	ms = slices.DeleteFunc(slices.Clone(ms), func(m bayeux.Message) bool { return m.IsEvent() || m.Channel == "/a" && m.ID == "" })
	if len(ms) == 0 {
		return
	}
	m := &ms[0]
	switch {
	case m.Channel == bayeux.MetaHandshake && m.Granted():
		w.session, w.shake, w.connect = true, 0, 0
	case m.Channel == bayeux.MetaConnect && m.Granted() && id == w.connect:
		w.connect = 0
		w.answered++
	case needsHandshake(m):
		w.session, w.shake, w.connect = false, 0, 0
		for _, x := range append(slices.Clone(w.old), w.cur) {
			if x != nil && x.given {
				x.doomed = true
			}
		}
		for _, x := range w.posts {
			x.doomed = x.doomed || x.given && x.id != id
		}
	}
	w.wake(transport.LaneCommands)
	w.wake(transport.LaneConnect)
}

// answer is a server's that works.
func (w *autoModel) answer(b []bayeux.Message, socket bool) string {
	switch {
	case isProbe(&b[0]):
		return `[{"channel":"/meta/connect","id":"` + b[0].ID + `","successful":false,"error":"402::session_unknown"}]`
	case hasHandshake(b):
		return granted
	case b[0].Channel == bayeux.MetaConnect && socket && !w.known:
		return unknown
	case b[0].Channel == bayeux.MetaConnect:
		return connectOK
	}
	return `[{"channel":"/a","id":"7","successful":true}]`
}

// act does one thing that can happen now. In good weather everything works.
func (w *autoModel) act(good bool) {
	w.good = good
	if w.rng.IntN(2) == 0 {
		w.catchUp()
	}
	n := w.rng.IntN(10)
	bad := !good && w.rng.IntN(4) == 0
	switch n {
	case 0:
		if !good && w.rng.IntN(4) == 0 {
			w.step(event{kind: eventCheck})
		}
		w.commands++
		w.wake(transport.Lane(w.rng.IntN(2)))
	case 1: // a dial comes to something
		if id := w.dialling; id != 0 {
			w.dialling = 0
			l := &autoModelLeg{id: id}
			if bad {
				w.ends(socketPipe, l, fails([]string{"dial", "upgrade", "tls", "proxy"}[w.rng.IntN(4)], w.rng.IntN(2)*403))
				return
			}
			w.cur, w.asking = l, true
		}
	case 2, 3: // the socket asks
		if s := w.cur; s != nil && w.asking && !s.draws {
			w.asking = false
			for _, lane := range []transport.Lane{transport.LaneCommands, transport.LaneConnect} {
				if w.cur == s && w.asks(socketPipe, lane, s) {
					w.asking = true
				}
			}
		}
	case 4, 5: // HTTP asks
		lane := w.rng.IntN(2)
		if busy := slices.ContainsFunc(w.posts, func(l *autoModelLeg) bool { return int(l.lane) == lane }); w.lanes[lane] && !busy {
			w.lanes[lane] = false
			w.ids++
			l := &autoModelLeg{id: w.ids, lane: transport.Lane(lane)}
			w.posts = append(w.posts, l)
			if !w.asks(httpPipe, l.lane, l) {
				w.posts = slices.DeleteFunc(w.posts, func(x *autoModelLeg) bool { return x == l })
			}
		}
	case 6, 7: // an exchange ends
		if len(w.posts) > 0 {
			l := w.posts[w.rng.IntN(len(w.posts))]
			switch {
			case l.draws:
			case l.doomed:
				w.ends(httpPipe, l, fails("cut", 0))
			case bad:
				w.ends(httpPipe, l, fails([]string{"dial", "read", "status"}[w.rng.IntN(3)], 0))
			case !good && w.rng.IntN(8) == 0 && l.given:
				w.brings(httpPipe, l, unknown)
				w.ends(httpPipe, l, nil)
			default:
				w.brings(httpPipe, l, w.answer(l.owed[0], false))
				w.ends(httpPipe, l, nil)
			}
		}
	case 8: // the socket brings something, or dies
		for _, l := range slices.Clone(w.old) {
			if !l.draws && (!l.rotated || w.rng.IntN(8) == 0) { // one that was left waits for the close frame of the server
				w.ends(socketPipe, l, fails("cut", 0))
			}
		}
		if s := w.cur; s != nil {
			if w.rng.IntN(3) == 0 {
				w.relays(s)
			}
			switch {
			case s.draws && (s.doomed || bad): // its end comes behind the draw
			case s.doomed:
				w.ends(socketPipe, s, fails("cut", 0))
			case bad:
				w.ends(socketPipe, s, fails([]string{"read", "close", "ping", "decode"}[w.rng.IntN(4)], 0))
			case len(s.owed) > 0:
				b := s.owed[0]
				s.owed = s.owed[1:]
				w.brings(socketPipe, s, w.answer(b, true))
			}
		}
	case 9:
		unit := 100 * time.Millisecond
		if good {
			unit = 10 * time.Millisecond
		}
		w.pass(time.Duration(w.rng.IntN(40)) * unit)
	}
}

// pass lets time pass, and the timer fire.
func (w *autoModel) pass(d time.Duration) {
	if d > 0 {
		w.catchUp()
	}
	w.now = mono.Of(w.now.Wall.Add(d))
	if at := w.auto.timerAt(); !at.IsZero() && !w.now.Before(at) {
		w.step(event{kind: eventTimer})
		at = w.auto.timerAt()
		w.require(at.IsZero() || at.After(w.now.Time), "the time is told and nothing comes of it")
	}
}

const connectOK = `[{"channel":"/meta/connect","id":"3","successful":true}]`

func isProbe(m *bayeux.Message) bool {
	return m.Meta != nil && strings.HasPrefix(m.Meta.ClientID, "nobody")
}
