package fallback

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/turold/turold/bayeux"
	"github.com/turold/turold/internal/mono"
	"github.com/turold/turold/transport"
)

// The legs of the table: 1 is the socket in use, 2 another one, 3 an old one
// that the Handler has given up, 8 and 9 are exchanges.
const (
	ours  transport.LegID = 1
	other transport.LegID = 2
	old   transport.LegID = 3
	post  transport.LegID = 8
	post2 transport.LegID = 9
)

var epoch = mono.Of(time.Unix(1_000_000, 0))

func later(d time.Duration) mono.Moment { return mono.Of(epoch.Wall.Add(d)) }

// owing is what left on a leg of the table.
func owing() *outstanding {
	return &outstanding{
		connect:  bayeux.Request{ID: "3", Channel: bayeux.MetaConnect},
		commands: []bayeux.Request{{ID: "1", Channel: bayeux.MetaHandshake}, {ID: "4", Channel: "/a"}},
	}
}

// at is a choice that has come to a place in the plainest way.
func at(p firstPhase) *wsFirst {
	f := newWSFirst(3 * time.Second)
	f.transports = [2]string{socketPipe: transport.WebSocket, httpPipe: transport.LongPolling}
	f.phase = p
	switch p {
	case socketOpening:
		f.patienceEndAt = epoch.Add(time.Second)
	case socketProving:
		f.socketLeg, f.legs[ours] = ours, owing()
		f.patienceEndAt, f.unansweredSince = epoch.Add(time.Second), epoch.Add(-2*time.Second)
	case socketServing:
		f.socketLeg, f.legs[ours], f.told = ours, owing(), transport.WebSocket
	case socketLeaving:
		f.legs[ours], f.failedAt, f.failReason, f.failErr = owing(), epoch.Time, ReasonMute, errMute
	case httpTrying:
		f.legs[post], f.failedAt, f.failReason, f.failErr = owing(), epoch.Time, ReasonMute, errMute
	case httpServing:
		f.legs[post], f.failedAt, f.told = owing(), epoch.Time, transport.LongPolling
	case httpLeaving:
		f.legs[post], f.failedAt, f.httpFailed = owing(), epoch.Time, true
	}
	return f
}

func with(p firstPhase, more func(f *wsFirst)) *wsFirst {
	f := at(p)
	more(f)
	return f
}

// without is a place with nothing out.
func without(p firstPhase, more ...func(f *wsFirst)) *wsFirst {
	f := at(p)
	clear(f.legs)
	for _, set := range more {
		set(f)
	}
	return f
}

func down(f *wsFirst)     { f.httpFailed = true }
func fresh(f *wsFirst)    { f.handshakeNext = true }
func rested(f *wsFirst)   { f.failedAt = epoch.Add(-socketRetryPause) }
func unwanted(f *wsFirst) { f.notOffered = true }
func oldOut(f *wsFirst)   { f.legs[old] = owing() }
func pending(f *wsFirst)  { f.pending[transport.LaneConnect] = true }

func fails(op string, status int) *transport.Error {
	return &transport.Error{Op: op, Status: status, Err: errors.New("evidence")}
}

// says is what is written of a step's outcome, in the order of a row's want.
func says(f *wsFirst, fx effects) string {
	out := []string{f.phase.String()}
	add := func(on bool, s string) {
		if on {
			out = append(out, s)
		}
	}
	add(fx.pass, "pass")
	add(fx.retryNow, "retry now")
	for _, d := range fx.decisions {
		add(true, fmt.Sprintf("told %s>%s %s", d.From, d.To, d.Reason))
	}
	add(fx.cutSocket != 0, fmt.Sprint("cut ", fx.cutSocket))
	add(fx.drainSocket != 0, fmt.Sprint("drain ", fx.drainSocket))
	for p, name := range []string{"socket", "http"} {
		add(fx.wake[p][transport.LaneCommands], name+":commands")
		add(fx.wake[p][transport.LaneConnect], name+":connect")
	}
	add(!f.patienceEndAt.IsZero(), "patience "+f.patienceEndAt.Sub(epoch.Time).String())
	return strings.Join(out, ", ")
}

func batch(t testing.TB, s string) []bayeux.Message {
	ms, err := bayeux.Decode([]byte(s), bayeux.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	return ms
}

const (
	handshake   = `[{"channel":"/meta/handshake","id":"1"}]`
	atOnce      = `[{"channel":"/meta/connect","id":"2","advice":{"timeout":0}}]`
	atOnceOK    = `[{"channel":"/meta/connect","id":"2","successful":true}]`
	held        = `[{"channel":"/meta/connect","id":"3"}]`
	heldShort   = `[{"channel":"/a","id":"4"},{"channel":"/meta/connect","id":"5","advice":{"timeout":1000}}]`
	granted     = `[{"channel":"/meta/handshake","id":"1","successful":true,"supportedConnectionTypes":["websocket","long-polling"]}]`
	grantedHTTP = `[{"channel":"/meta/handshake","id":"1","successful":true,"supportedConnectionTypes":["long-polling"]}]`
	grantedBare = `[{"channel":"/meta/handshake","id":"1","successful":true}]`
	denied      = `[{"channel":"/meta/handshake","id":"1","successful":false,"error":"403::denied"}]`
	pushed      = `[{"channel":"/a","data":1}]`
	good        = `[{"channel":"/a","id":"4","successful":true}]`
	bad         = `[{"channel":"/a","id":"4","successful":false,"error":"403::forbidden"}]`
	unknown     = `[{"channel":"/meta/connect","id":"3","successful":false,"error":"402::session_unknown"}]`
	again       = `[{"channel":"/meta/connect","id":"3","successful":false,"advice":{"reconnect":"handshake"}}]`
)

type row struct {
	c    *wsFirst
	e    event
	want string
	then func(c *wsFirst) bool // what else must hold; nil: nothing
}

func wakes(l transport.Lane) event { return event{kind: eventWake, lane: l} }
func on(k eventKind, p pipe, id transport.LegID) event {
	return event{kind: k, pipe: p, leg: id}
}
func (e event) of(t testing.TB, s string) event {
	e.batch = batch(t, s)
	return e
}
func (e event) by(err *transport.Error) event { e.err = err; return e }
func (e event) alike() event                  { e.sameHost = true; return e }
func (e event) after(d time.Duration) event   { e.now = later(d); return e }

func TestStep(t *testing.T) {
	for name, rows := range map[string][]row{
		"wake": wakeRows(), "ask": askRows(), "drew": drewRows(t), "brought": broughtRows(t), "ended": endedRows(),
		"passed": passedRows(), "dropped": droppedRows(), "late": lateRows(), "closes": closesRows(),
	} {
		t.Run(name, func(t *testing.T) {
			var seen [firstClosed + 1]bool
			for i, r := range rows {
				from := r.c.phase
				seen[from] = true
				if r.e.now.IsZero() {
					r.e.now = epoch
				}
				fx := r.c.step(typed(r.e))
				require.Equal(t, r.want, says(r.c, fx), "row %d: %s from %s", i, name, from)
				if r.then != nil {
					require.True(t, r.then(r.c), "row %d: what else must hold from %s", i, from)
				}
				require.Equal(t, fx.cutSocket != 0, fx.cause != nil, "row %d: a cut and its cause", i)
				require.Equal(t, !r.c.patienceEndAt.IsZero(), r.c.phase == socketOpening || r.c.phase == socketProving && !r.c.patienceEndAt.IsZero(),
					"row %d: the patience runs where nobody waits", i)
			}
			for p := range seen {
				require.True(t, seen[p], "no row for %s from %s", name, firstPhase(p))
			}
		})
	}
}

func wakeRows() []row {
	commands, connect := wakes(transport.LaneCommands), wakes(transport.LaneConnect)
	return []row{
		{at(socketIdle), commands, "socketOpening, socket:commands, patience 3s", nil},
		{at(socketIdle), connect, "socketOpening, socket:connect, patience 3s", nil},
		{at(socketOpening), commands, "socketOpening, socket:commands, patience 1s", nil}, // it is not begun anew
		{at(socketProving), connect, "socketProving, socket:connect, patience 1s", nil},
		{at(socketServing), commands, "socketServing, socket:commands", nil},
		{at(socketLeaving), commands, "socketLeaving", func(f *wsFirst) bool { return f.pending[transport.LaneCommands] }},
		{at(httpTrying), commands, "httpTrying, http:commands", nil},
		{without(httpTrying, fresh, rested), commands, "httpTrying, http:commands", nil},
		{at(httpServing), connect, "httpServing, http:connect", nil},
		{without(httpServing), commands, "httpServing, http:commands", nil},
		{without(httpServing, fresh), commands, "httpServing, http:commands", nil}, // a socket failed just now
		{without(httpServing, fresh, rested), commands, "socketOpening, socket:commands, patience 3s", func(f *wsFirst) bool { return !f.handshakeNext }},
		{without(httpServing, fresh, rested), connect, "httpServing, http:connect", nil},
		{without(httpServing, fresh, rested, unwanted), commands, "httpServing, http:commands", nil},
		{without(httpServing, rested), commands, "httpServing, http:commands", nil}, // the session lives
		{with(httpServing, func(f *wsFirst) { fresh(f); rested(f) }), commands, "httpServing, http:commands", nil},
		{without(httpServing, fresh, func(f *wsFirst) { f.failedAt = mono.Time{} }), commands, "socketOpening, socket:commands, patience 3s", nil},
		{at(httpLeaving), connect, "httpLeaving", func(f *wsFirst) bool { return f.pending[transport.LaneConnect] }},
		{at(firstClosed), commands, "closed", nil},
	}
}

func askRows() []row {
	drawing := func(id transport.LegID) func(*wsFirst) bool {
		return func(f *wsFirst) bool { _, ok := f.legs[id]; return ok }
	}
	virgin := func(id transport.LegID) func(*wsFirst) bool {
		return func(f *wsFirst) bool { _, ok := f.legs[id]; return f.unusedSocket == id && !ok }
	}
	return []row{
		{at(socketIdle), on(eventAsk, socketPipe, other), "socketIdle, pass", drawing(other)},
		{at(socketIdle), on(eventAsk, httpPipe, post), "socketIdle", nil},
		{at(socketOpening), on(eventAsk, socketPipe, other), "socketIdle, pass", drawing(other)}, // it is open
		{with(socketOpening, oldOut), on(eventAsk, socketPipe, old), "socketOpening, pass, patience 1s", nil},
		{at(socketOpening), on(eventAsk, httpPipe, post), "socketOpening, patience 1s", nil},
		{at(socketProving), on(eventAsk, socketPipe, ours), "socketProving, pass, patience 1s", nil},
		{at(socketProving), on(eventAsk, httpPipe, post), "socketProving, patience 1s", nil},
		{at(socketServing), on(eventAsk, socketPipe, ours), "socketServing, pass", nil},
		{at(socketServing), on(eventAsk, socketPipe, other), "socketServing, pass", drawing(other)},
		{at(socketServing), on(eventAsk, httpPipe, post), "socketServing", nil},
		{at(socketLeaving), on(eventAsk, socketPipe, ours), "socketLeaving", nil},
		{at(socketLeaving), on(eventAsk, socketPipe, other), "socketLeaving, drain 2", virgin(other)},
		{at(socketLeaving), on(eventAsk, httpPipe, post), "socketLeaving", nil},
		{at(httpTrying), on(eventAsk, httpPipe, post2), "httpTrying, pass", drawing(post2)},
		{at(httpTrying), on(eventAsk, socketPipe, other), "httpTrying, drain 2", virgin(other)},
		{at(httpServing), on(eventAsk, httpPipe, post2), "httpServing, pass", drawing(post2)},
		{at(httpServing), on(eventAsk, socketPipe, other), "httpServing, drain 2", virgin(other)},
		{at(httpLeaving), on(eventAsk, httpPipe, post2), "httpLeaving", nil},
		{at(httpLeaving), on(eventAsk, socketPipe, other), "httpLeaving", nil}, // it is wanted in a moment
		{at(firstClosed), on(eventAsk, socketPipe, other), "closed", nil},
		{at(firstClosed), on(eventAsk, httpPipe, post), "closed", nil},
	}
}

func drewRows(t *testing.T) []row {
	nothing := on(eventDrawn, socketPipe, other)
	// asked is a place in which another socket is inside Next.
	asked := func(p firstPhase) *wsFirst {
		return with(p, func(f *wsFirst) { f.legs[other], f.unusedSocket = nil, other })
	}
	known := func(f *wsFirst) bool { return f.legs[other] != nil && f.unusedSocket != other && f.socketLeg == other }
	return []row{
		{asked(socketIdle), nothing, "socketIdle", func(f *wsFirst) bool { return len(f.legs) == 0 && f.unusedSocket == other }},
		{asked(socketIdle), nothing.of(t, handshake), "socketProving, patience 3s", known},
		{asked(socketIdle), nothing.of(t, atOnce), "socketProving, patience 3s", known},
		{asked(socketIdle), nothing.of(t, held), "socketProving", known},
		{asked(socketIdle), nothing.of(t, heldShort), "socketProving", known},
		{asked(socketOpening), nothing.of(t, handshake), "socketProving, patience 3s", known},
		{asked(socketProving), nothing.of(t, handshake), "socketProving, patience 3s", known},
		{at(socketProving), on(eventDrawn, socketPipe, ours).of(t, atOnce), "socketProving, patience 1s", nil}, // the first is what is waited for
		{with(socketProving, func(f *wsFirst) { f.patienceEndAt, f.unansweredSince = mono.Time{}, mono.Time{} }), on(eventDrawn, socketPipe, ours).of(t, atOnce),
			"socketProving, patience 3s", func(f *wsFirst) bool { return f.unansweredSince == epoch.Time }},
		{at(socketServing), on(eventDrawn, socketPipe, ours).of(t, atOnce), "socketServing", nil},
		{at(socketServing), on(eventDrawn, socketPipe, ours), "socketServing", func(f *wsFirst) bool { return f.legs[ours] != nil }},
		{asked(socketServing), nothing.of(t, atOnce), "socketProving, patience 3s", known},
		{without(socketLeaving, func(f *wsFirst) { f.legs[other] = nil }), nothing, "httpTrying, http:commands, http:connect", nil},
		{asked(socketLeaving), nothing, "socketLeaving", nil}, // the other one's End is still to come
		{asked(socketLeaving), nothing.of(t, handshake), "socketLeaving, cut 2", func(f *wsFirst) bool { return f.legs[other] != nil }},
		{at(httpTrying), on(eventDrawn, httpPipe, post).of(t, handshake), "httpTrying", nil},
		{with(httpTrying, func(f *wsFirst) { f.legs[post] = nil }), on(eventDrawn, httpPipe, post), "httpTrying", func(f *wsFirst) bool { return len(f.legs) == 0 }},
		{with(httpServing, fresh), on(eventDrawn, httpPipe, post).of(t, atOnce), "httpServing", func(f *wsFirst) bool { return f.handshakeNext }},
		{with(httpServing, fresh), on(eventDrawn, httpPipe, post).of(t, handshake), "httpServing", func(f *wsFirst) bool { return !f.handshakeNext }},
		{without(httpLeaving, func(f *wsFirst) { f.legs[post2] = nil }), on(eventDrawn, httpPipe, post2), "socketIdle", nil},
		{at(firstClosed), nothing.of(t, handshake), "closed", func(f *wsFirst) bool { return f.legs[other] != nil }},
	}
}

func broughtRows(t *testing.T) []row {
	virgin := func(p firstPhase) *wsFirst { return with(p, func(f *wsFirst) { f.unusedSocket = other }) }
	mine, http := on(eventReceive, socketPipe, ours), on(eventReceive, httpPipe, post)
	isFresh := func(f *wsFirst) bool { return f.handshakeNext }
	notFresh := func(f *wsFirst) bool { return !f.handshakeNext }
	return []row{
		{virgin(socketIdle), on(eventReceive, socketPipe, other).of(t, pushed), "socketIdle", nil},
		{with(socketIdle, oldOut), on(eventReceive, socketPipe, old).of(t, good), "socketIdle, pass", nil},
		{with(socketOpening, oldOut), on(eventReceive, socketPipe, old).of(t, good), "socketOpening, pass, patience 1s", nil},
		{at(socketProving), mine.of(t, granted), "socketServing, pass, told >websocket first", func(f *wsFirst) bool { return f.unansweredSince.IsZero() }},
		{at(socketProving), mine.of(t, bad), "socketServing, pass, told >websocket first", nil},
		{at(socketProving), mine.of(t, pushed), "socketProving, pass, patience 1s", nil}, // the way up may be dead
		{with(socketProving, oldOut), on(eventReceive, socketPipe, old).of(t, good), "socketProving, pass, patience 1s", nil},
		{with(socketProving, down), mine.of(t, granted), "socketServing, pass, told >websocket first", func(f *wsFirst) bool { return !f.httpFailed }},
		{with(socketProving, func(f *wsFirst) { f.told = transport.WebSocket }), mine.of(t, good), "socketServing, pass", nil},
		{with(socketProving, func(f *wsFirst) { f.told = transport.LongPolling }), mine.of(t, granted), "socketServing, pass, told long-polling>websocket back", nil},
		{at(socketServing), mine.of(t, good), "socketServing, pass", nil},
		{at(socketLeaving), mine.of(t, granted), "socketLeaving, pass", nil},
		{at(httpTrying), http.of(t, granted), "httpServing, pass, told >long-polling mute", notFresh},
		{with(httpTrying, func(f *wsFirst) { f.told = transport.WebSocket }), http.of(t, unknown), "httpServing, pass, told websocket>long-polling mute",
			func(f *wsFirst) bool { return f.handshakeNext && f.failedAt == epoch.Time }},
		{with(httpTrying, down), http.of(t, granted), "httpServing, pass, told >long-polling mute", func(f *wsFirst) bool { return !f.httpFailed && f.failedAt.IsZero() }},
		{virgin(httpTrying), on(eventReceive, socketPipe, other).of(t, pushed), "httpTrying", nil},
		{at(httpServing), http.of(t, good), "httpServing, pass", notFresh},
		{at(httpServing), http.of(t, bad), "httpServing, pass", notFresh},
		{at(httpServing), http.of(t, unknown), "httpServing, pass", isFresh},
		{at(httpServing), http.of(t, again), "httpServing, pass", isFresh},
		{at(httpServing), http.of(t, denied), "httpServing, pass", isFresh},
		{at(httpServing), http.of(t, grantedHTTP), "httpServing, pass", func(f *wsFirst) bool { return f.notOffered }},
		{with(httpServing, unwanted), http.of(t, granted), "httpServing, pass", func(f *wsFirst) bool { return !f.notOffered }},
		{with(httpServing, unwanted), http.of(t, grantedBare), "httpServing, pass", func(f *wsFirst) bool { return f.notOffered }},
		{at(httpLeaving), http.of(t, good), "httpLeaving, pass", nil},
		{with(firstClosed, oldOut), on(eventReceive, socketPipe, old).of(t, good), "closed, pass", nil},
	}
}
