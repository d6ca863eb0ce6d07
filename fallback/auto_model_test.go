package fallback

import (
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/turold/turold/bayeux"
	"github.com/turold/turold/internal/mono"
	"github.com/turold/turold/transport"
)

var (
	tail  = flag.Int("tail", 30, "how many steps a failed test of the model shows")
	seeds = flag.Uint64("seeds", 300, "how many seeds the model of Auto plays")
)

// A pair is where an auto can be: its phase, and how far the socket has come.
type pair struct {
	phase phase
	stage stage
}

// reachable are the stages of the socket that can be met in each phase.
var reachable = map[phase][]stage{
	onLongPolling:     {stageNone, stageDialing, stageDialingUnwanted, stageOpen, stageProven},
	finishingPoll:     {stageProven},
	awaitingExchanges: {stageProven},
	confirming:        {stageCarrying},
	optimistic:        {stageCarryingUnproven, stageCarrying},
	onWebSocket:       {stageNone, stageDialing, stageDialingUnwanted, stageCarryingUnproven, stageCarrying}, // none and dialing: of a session that only sockets know, until another socket comes
	finishingConnect:  {stageCarrying},
	awaitingReplies:   {stageCarrying},
	offeringConnect:   {stageCarrying},
	switching:         {stageNone, stageDialing, stageCarryingUnproven, stageCarrying},
}

// inReach holds the machine to its reachable pairs, and to what a stage means.
func (w *autoModel) inReach() {
	at, s := w.auto.phase, w.auto.ws.stage
	w.require(slices.Contains(reachable[at], s), fmt.Sprintf("an impossible pair: %v with a socket %v", at, s))
	w.reached[pair{at, s}] = true
	w.require(s.isOpen() == (w.auto.ws.leg != 0), "a stage without its leg")
	h := w.auto.http.stage
	w.require(h == stageNone || h == stageProven || h == stageFailed, "a stage that HTTP has not")
}

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
	reached map[pair]bool
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
	w := &autoModel{t: t, rng: rand.New(rand.NewPCG(seed, 1)), auto: newAuto(new(Memory), func() string { return "x" }, DefaultPatience), now: epoch, ids: 100, known: seed%7 != 0, probes: map[string]bool{}, been: map[phase]int{}, reached: map[pair]bool{}}
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
	e = typed(e)
	from := w.auto.phase
	w.been[from]++
	good := w.auto.mem.stateOf("x").Bad.IsZero()
	fx := w.auto.step(e)
	w.inReach()
	if p := w.auto.mem.stateOf("x"); !p.Bad.IsZero() && good && p.Why != ReasonAffinity { // which the server said itself
		w.require(w.now.Sub(w.auto.http.answeredAt) <= evidenceWindow && w.auto.http.stage != stageFailed, "a verdict without evidence")
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
	closing := !w.auto.rotation.closeAt.IsZero() // the old socket, which takes the Wake until then
	w.require(!w.auto.ws.stage.isDialing() || opening || closing, "a dial that nobody makes")
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

func (w *autoModel) wake(lane transport.Lane) { w.step(event{kind: eventWake, lane: lane}) }

// TestAutoModel: whatever happens, both pipes never carry at once, the decisions
// follow each other, the socket is never at a stage that its phase excludes, and in
// good weather the session goes on, and is on a socket in the end if the server
// knows it there.
func TestAutoModel(t *testing.T) {
	been, reached := map[phase]int{}, map[pair]bool{}
	for seed := range *seeds {
		m := newAutoModel(t, seed)
		for s, n := range m.play() {
			been[s] += n
		}
		maps.Copy(reached, m.reached)
	}
	for s := onLongPolling; s < autoClosed; s++ {
		require.Greater(t, been[s], 50, s.String())
	}
	possible := 0
	for _, all := range reachable {
		possible += len(all)
	}
	t.Logf("%d of %d pairs of a phase and the socket's stage reached; %d are possible", len(reached), int(autoClosed)*int(stages), possible)
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
