package fallback

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/turold/turold/bayeux"
	"github.com/turold/turold/internal/mono"
	"github.com/turold/turold/transport"
)

var tail = flag.Int("tail", 30, "how many steps a failed test of the model shows")

// A autoModel is two pipes, a server and a Handler that keep the contract and do
// otherwise whatever comes to mind, around a race. It judges every step.
type autoModel struct {
	t    testing.TB
	rng  *rand.Rand
	auto *auto
	now  mono.Moment
	ids  transport.LegID
	log  []string

	// The pipes.
	lanes    [2]bool // HTTP was woken
	posts    []*autoModelLeg
	asking   bool            // the socket was woken
	dialling transport.LegID // zero: none is
	cur      *autoModelLeg   // the socket that draws; nil: the next wake dials
	old      []*autoModelLeg // those that were cut or drained and have not ended
	slow     []effects       // decided on and not done yet: other turns overtake them

	// The Handler.
	session  bool
	shake    transport.LegID
	connect  transport.LegID
	commands int
	answered int // connects that were answered

	good    bool            // the weather is
	probes  map[string]bool // ids of those that were answered
	life    time.Duration   // of sockets, where that is known
	carrier string
	known   bool // the server knows sessions on sockets
	been    map[phase]int
}

type autoModelLeg struct {
	id      transport.LegID
	lane    transport.Lane
	owed    [][]bayeux.Message // what it carries that was not answered
	own     bool               // it carries what is the valve's
	given   bool               // the Handler gave it something
	draws   bool               // it is inside the Handler's Next
	rotated bool               // it was left while it worked: it is only read
	doomed  bool               // cut or drained
	proven  bool               // a socket that has brought something
}

func newAutoModel(t testing.TB, seed uint64) *autoModel {
	w := &autoModel{t: t, rng: rand.New(rand.NewPCG(seed, 1)), auto: newAuto(new(Memory), func() string { return "x" }, DefaultPatience), now: epoch, ids: 100, known: seed%7 != 0, probes: map[string]bool{}, been: map[phase]int{}}
	if w.life = 40 * time.Second; seed%6 == 0 {
		w.life = time.Second
	}
	if seed%3 == 0 { // sockets are known to become no older
		*w.auto.mem.stateOf("x").learnedBy(socketPipe) = learned{Life: w.life, Died: epoch.Wall}
	}
	return w
}

func (w *autoModel) require(ok bool, what string) {
	if !ok {
		for _, l := range w.log[max(0, len(w.log)-*tail):] {
			w.t.Log(l)
		}
		w.t.Logf("%+v; path %+v", *w.auto, *w.auto.mem.stateOf("x"))
		require.Fail(w.t, what)
	}
}

// step takes an event and plays what the race wants.
func (w *autoModel) step(e event) effects {
	e.now = w.now
	from := w.auto.phase
	w.been[from]++
	good := w.auto.mem.stateOf("x").Bad.IsZero()
	fx := w.auto.step(e)
	if p := w.auto.mem.stateOf("x"); !p.Bad.IsZero() && good && p.Why != ReasonAffinity { // which the server said itself
		w.require(w.now.Sub(w.auto.http.answeredAt) <= evidenceWindow && !w.auto.http.down, "a verdict without evidence")
	}
	if w.log = append(w.log, ""); len(w.log) > 500 {
		w.log = w.log[400:]
	}
	w.log[len(w.log)-1] = fmt.Sprintf("%v %v->%v kind %d pipe %d leg %d lane %d err %v batch %d: pass %v wake %v cut %d drain %d", w.now.Sub(epoch.Time), from, w.auto.phase, e.kind, e.pipe, e.leg, e.lane, e.err, len(e.batch), fx.pass, fx.wake, fx.cutSocket, fx.drainSocket)
	for _, d := range fx.decisions {
		w.require(d.From == w.carrier && (d.To != d.From || d.Err != nil) && d.Reason != "", "a decision that is none")
		w.carrier = d.To
	}
	if wants := fx.cutSocket|fx.drainSocket|fx.cutHTTP != 0 || fx.wake != [2][2]bool{}; wants && w.rng.IntN(4) == 0 {
		w.slow = append(w.slow, fx)
	} else {
		w.does(fx)
	}
	for _, c := range fx.flush {
		if c.batch != nil {
			w.received(c.leg, c.batch)
			continue
		}
		w.handlerEnd(c.leg)
		w.step(event{kind: eventEndDelivered, leg: c.leg})
		w.wake(transport.LaneCommands)
		w.wake(transport.LaneConnect)
	}
	if fx.flush != nil {
		w.step(event{kind: eventFlushed})
	}
	w.apart()
	w.goesOn()
	return fx
}

// does what is wanted of the pipes.
func (w *autoModel) does(fx effects) {
	for _, p := range w.posts {
		p.doomed = p.doomed || p.id == fx.cutHTTP
	}
	w.lanes[0] = w.lanes[0] || fx.wake[httpPipe][0]
	w.lanes[1] = w.lanes[1] || fx.wake[httpPipe][1]
	for _, id := range []transport.LegID{fx.cutSocket, fx.drainSocket} {
		if w.cur != nil && w.cur.id == id {
			w.cur.doomed = true
			w.old, w.cur = append(w.old, w.cur), nil
		}
	}
	if fx.cutSocket|fx.drainSocket != 0 {
		w.step(event{kind: eventVacated})
	}
	if fx.wake[socketPipe][0] || fx.wake[socketPipe][1] {
		w.asking = true
		if w.cur == nil && w.dialling == 0 {
			w.ids++
			w.dialling = w.ids
		}
	}
}

// catchUp does what waits for that.
func (w *autoModel) catchUp() {
	for len(w.slow) > 0 {
		i := w.rng.IntN(len(w.slow))
		fx := w.slow[i]
		w.slow = slices.Delete(w.slow, i, i+1)
		w.does(fx)
	}
}

// goesOn: the race never only waits for something that nobody has asked for:
// what holds the Handler back has an end by itself.
func (w *autoModel) goesOn() {
	if len(w.slow) > 0 {
		return
	}
	ending := w.cur == nil || w.cur.doomed || w.cur.draws // whose End, or draw, is on its way
	waits := !ending && (w.auto.phase == awaitingExchanges || w.auto.phase == confirming || w.auto.phase == awaitingReplies)
	w.require(!waits || !w.auto.timerAt().IsZero(), "it waits for ever")
	w.require(!w.auto.hasDeferred() || w.auto.deferred.flushing || !w.auto.timerAt().IsZero(), "something waits for ever")
	turned := w.auto.phase == switching && w.auto.handover.from == 0 && w.auto.http.exchanges.Len() == 0
	w.require(!turned || w.auto.deferred.flushing || !w.auto.timerAt().IsZero(), "it is turned and does not go on")
	opening := w.dialling != 0 || w.cur != nil && w.cur.id != w.auto.rotation.oldLeg && !w.auto.ws.discarded.Get(w.cur.id)
	w.require(!w.auto.ws.dialling || w.auto.ws.leg != 0 || opening, "a dial that nobody makes")
}

// apart: what the Handler gave, or is about to give, is never out on both pipes.
func (w *autoModel) apart() {
	http, socket := 0, 0
	for _, p := range w.posts {
		if p.given || p.draws {
			http++
		}
	}
	for _, s := range append(slices.Clone(w.old), w.cur) {
		if s == nil {
			continue
		}
		left := s.id == w.auto.rotation.oldLeg || w.auto.phase == offeringConnect && s.id == w.auto.ws.leg // what it owes may be out still
		if s.rotated = s.rotated || left; s.draws || s.given && !s.rotated {
			socket++
		}
	}
	w.require(http == 0 || socket == 0, "both pipes carry")
	w.require(socket <= 1, "two sockets carry")
}

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

func (w *autoModel) wake(lane transport.Lane) { w.step(event{kind: eventWake, lane: lane}) }

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
	owned := w.auto.ws.owns && l.id == w.auto.ws.leg
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

// TestRaceInAnyWeather: whatever happens, both pipes never carry at once, the
// decisions follow each other, and in good weather the session goes on, and is
// on a socket in the end if the server knows it there.
func TestAutoModel(t *testing.T) {
	been := map[phase]int{}
	for seed := range uint64(300) {
		for s, n := range newAutoModel(t, seed).play() {
			been[s] += n
		}
	}
	for s := onLongPolling; s < autoClosed; s++ {
		require.Greater(t, been[s], 50, s.String())
	}
}

// FuzzAuto is the same for any seed.
func FuzzAuto(f *testing.F) {
	f.Add(uint64(1000))
	f.Fuzz(func(t *testing.T, seed uint64) { newAutoModel(t, seed).play() })
}

// play is bad weather, and then good, and returns how often the race was where.
func (w *autoModel) play() map[phase]int {
	w.wake(transport.LaneCommands)
	for range 400 {
		w.act(false)
	}
	before, onSocket := w.answered, 0 // rotation may be under way at the end
	for n := range 1200 {
		if n%150 == 0 {
			w.pass(140 * time.Second)
		}
		if w.act(true); w.carrier == transport.WebSocket {
			onSocket = n
		}
	}
	w.require(w.answered > before+5, "the session does not go on")
	if w.known && w.life > 10*time.Second { // else it leaves as often as it comes
		w.require(onSocket > 700, "it does not move to a socket")
	}
	return w.been
}

func isProbe(m *bayeux.Message) bool {
	return m.Meta != nil && strings.HasPrefix(m.Meta.ClientID, "nobody")
}
