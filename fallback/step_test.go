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
func owing() *ledger {
	return &ledger{
		connect:  bayeux.Request{ID: "3", Channel: bayeux.MetaConnect},
		commands: []bayeux.Request{{ID: "1", Channel: bayeux.MetaHandshake}, {ID: "4", Channel: "/a"}},
	}
}

// at is a choice that has come to a place in the plainest way.
func at(p place) *choice {
	c := newChoice(3 * time.Second)
	c.at = p
	switch p {
	case opening:
		c.deadline = epoch.Add(time.Second)
	case proving:
		c.leg, c.out[ours] = ours, owing()
		c.deadline, c.since = epoch.Add(time.Second), epoch.Add(-2*time.Second)
	case serving:
		c.leg, c.out[ours], c.carrier = ours, owing(), transport.WebSocket
	case leaving:
		c.out[ours], c.failed, c.reason, c.evidence = owing(), epoch.Time, ReasonMute, errMute
	case trying:
		c.out[post], c.failed, c.reason, c.evidence = owing(), epoch.Time, ReasonMute, errMute
	case polling:
		c.out[post], c.failed, c.carrier = owing(), epoch.Time, transport.LongPolling
	case returning:
		c.out[post], c.failed, c.down = owing(), epoch.Time, true
	}
	return c
}

func with(p place, more func(c *choice)) *choice {
	c := at(p)
	more(c)
	return c
}

// without is a place with nothing out.
func without(p place, more ...func(c *choice)) *choice {
	c := at(p)
	clear(c.out)
	for _, f := range more {
		f(c)
	}
	return c
}

func down(c *choice)     { c.down = true }
func fresh(c *choice)    { c.fresh = true }
func rested(c *choice)   { c.failed = epoch.Add(-redial) }
func unwanted(c *choice) { c.unwanted = true }
func oldOut(c *choice)   { c.out[old] = owing() }
func pending(c *choice)  { c.pending[transport.LaneConnect] = true }

func fails(op string, status int) *transport.Error {
	return &transport.Error{Op: op, Status: status, Err: errors.New("evidence")}
}

// says is what is written of a step's outcome, in the order of a row's want.
func says(c *choice, fx effects) string {
	out := []string{c.at.String()}
	add := func(on bool, s string) {
		if on {
			out = append(out, s)
		}
	}
	add(fx.pass, "pass")
	add(fx.elsewhere, "elsewhere")
	for _, d := range fx.told {
		add(true, fmt.Sprintf("told %s>%s %s", d.From, d.To, d.Reason))
	}
	add(fx.cut != 0, fmt.Sprint("cut ", fx.cut))
	add(fx.drain != 0, fmt.Sprint("drain ", fx.drain))
	for p, name := range []string{"socket", "http"} {
		add(fx.wake[p][transport.LaneCommands], name+":commands")
		add(fx.wake[p][transport.LaneConnect], name+":connect")
	}
	add(!c.deadline.IsZero(), "patience "+c.deadline.Sub(epoch.Time).String())
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
	c    *choice
	e    event
	want string
	then func(c *choice) bool // what else must hold; nil: nothing
}

func wakes(l transport.Lane) event { return event{kind: woken, lane: l} }
func on(k kind, p pipe, id transport.LegID) event {
	return event{kind: k, pipe: p, leg: id}
}
func (e event) of(t testing.TB, s string) event {
	e.batch = batch(t, s)
	return e
}
func (e event) by(err *transport.Error) event { e.err = err; return e }
func (e event) alike() event                  { e.shared = true; return e }
func (e event) after(d time.Duration) event   { e.now = later(d); return e }

func TestStep(t *testing.T) {
	for name, rows := range map[string][]row{
		"wake": wakeRows(), "ask": askRows(), "drew": drewRows(t), "brought": broughtRows(t), "ended": endedRows(),
		"passed": passedRows(), "dropped": droppedRows(), "late": lateRows(), "closes": closesRows(),
	} {
		t.Run(name, func(t *testing.T) {
			var seen [closed + 1]bool
			for i, r := range rows {
				from := r.c.at
				seen[from] = true
				if r.e.now.IsZero() {
					r.e.now = epoch
				}
				fx := r.c.step(r.e)
				require.Equal(t, r.want, says(r.c, fx), "row %d: %s from %s", i, name, from)
				if r.then != nil {
					require.True(t, r.then(r.c), "row %d: what else must hold from %s", i, from)
				}
				require.Equal(t, fx.cut != 0, fx.cause != nil, "row %d: a cut and its cause", i)
				require.Equal(t, !r.c.deadline.IsZero(), r.c.at == opening || r.c.at == proving && !r.c.deadline.IsZero(),
					"row %d: the patience runs where nobody waits", i)
			}
			for p := range seen {
				require.True(t, seen[p], "no row for %s from %s", name, place(p))
			}
		})
	}
}

func wakeRows() []row {
	commands, connect := wakes(transport.LaneCommands), wakes(transport.LaneConnect)
	return []row{
		{at(idle), commands, "opening, socket:commands, patience 3s", nil},
		{at(idle), connect, "opening, socket:connect, patience 3s", nil},
		{at(opening), commands, "opening, socket:commands, patience 1s", nil}, // it is not begun anew
		{at(proving), connect, "proving, socket:connect, patience 1s", nil},
		{at(serving), commands, "serving, socket:commands", nil},
		{at(leaving), commands, "leaving", func(c *choice) bool { return c.pending[transport.LaneCommands] }},
		{at(trying), commands, "trying, http:commands", nil},
		{without(trying, fresh, rested), commands, "trying, http:commands", nil},
		{at(polling), connect, "polling, http:connect", nil},
		{without(polling), commands, "polling, http:commands", nil},
		{without(polling, fresh), commands, "polling, http:commands", nil}, // a socket failed just now
		{without(polling, fresh, rested), commands, "opening, socket:commands, patience 3s", func(c *choice) bool { return !c.fresh }},
		{without(polling, fresh, rested), connect, "polling, http:connect", nil},
		{without(polling, fresh, rested, unwanted), commands, "polling, http:commands", nil},
		{without(polling, rested), commands, "polling, http:commands", nil}, // the session lives
		{with(polling, func(c *choice) { fresh(c); rested(c) }), commands, "polling, http:commands", nil},
		{without(polling, fresh, func(c *choice) { c.failed = mono.Time{} }), commands, "opening, socket:commands, patience 3s", nil},
		{at(returning), connect, "returning", func(c *choice) bool { return c.pending[transport.LaneConnect] }},
		{at(closed), commands, "closed", nil},
	}
}

func askRows() []row {
	drawing := func(id transport.LegID) func(*choice) bool {
		return func(c *choice) bool { _, ok := c.out[id]; return ok }
	}
	virgin := func(id transport.LegID) func(*choice) bool {
		return func(c *choice) bool { _, ok := c.out[id]; return c.virgin == id && !ok }
	}
	return []row{
		{at(idle), on(asks, onSocket, other), "idle, pass", drawing(other)},
		{at(idle), on(asks, onHTTP, post), "idle", nil},
		{at(opening), on(asks, onSocket, other), "idle, pass", drawing(other)}, // it is open
		{with(opening, oldOut), on(asks, onSocket, old), "opening, pass, patience 1s", nil},
		{at(opening), on(asks, onHTTP, post), "opening, patience 1s", nil},
		{at(proving), on(asks, onSocket, ours), "proving, pass, patience 1s", nil},
		{at(proving), on(asks, onHTTP, post), "proving, patience 1s", nil},
		{at(serving), on(asks, onSocket, ours), "serving, pass", nil},
		{at(serving), on(asks, onSocket, other), "serving, pass", drawing(other)},
		{at(serving), on(asks, onHTTP, post), "serving", nil},
		{at(leaving), on(asks, onSocket, ours), "leaving", nil},
		{at(leaving), on(asks, onSocket, other), "leaving, drain 2", virgin(other)},
		{at(leaving), on(asks, onHTTP, post), "leaving", nil},
		{at(trying), on(asks, onHTTP, post2), "trying, pass", drawing(post2)},
		{at(trying), on(asks, onSocket, other), "trying, drain 2", virgin(other)},
		{at(polling), on(asks, onHTTP, post2), "polling, pass", drawing(post2)},
		{at(polling), on(asks, onSocket, other), "polling, drain 2", virgin(other)},
		{at(returning), on(asks, onHTTP, post2), "returning", nil},
		{at(returning), on(asks, onSocket, other), "returning", nil}, // it is wanted in a moment
		{at(closed), on(asks, onSocket, other), "closed", nil},
		{at(closed), on(asks, onHTTP, post), "closed", nil},
	}
}

func drewRows(t *testing.T) []row {
	nothing := on(drew, onSocket, other)
	// asked is a place in which another socket is inside Next.
	asked := func(p place) *choice {
		return with(p, func(c *choice) { c.out[other], c.virgin = nil, other })
	}
	known := func(c *choice) bool { return c.out[other] != nil && c.virgin != other && c.leg == other }
	return []row{
		{asked(idle), nothing, "idle", func(c *choice) bool { return len(c.out) == 0 && c.virgin == other }},
		{asked(idle), nothing.of(t, handshake), "proving, patience 3s", known},
		{asked(idle), nothing.of(t, atOnce), "proving, patience 3s", known},
		{asked(idle), nothing.of(t, held), "proving", known},
		{asked(idle), nothing.of(t, heldShort), "proving", known},
		{asked(opening), nothing.of(t, handshake), "proving, patience 3s", known},
		{asked(proving), nothing.of(t, handshake), "proving, patience 3s", known},
		{at(proving), on(drew, onSocket, ours).of(t, atOnce), "proving, patience 1s", nil}, // the first is what is waited for
		{with(proving, func(c *choice) { c.deadline, c.since = mono.Time{}, mono.Time{} }), on(drew, onSocket, ours).of(t, atOnce),
			"proving, patience 3s", func(c *choice) bool { return c.since == epoch.Time }},
		{at(serving), on(drew, onSocket, ours).of(t, atOnce), "serving", nil},
		{at(serving), on(drew, onSocket, ours), "serving", func(c *choice) bool { return c.out[ours] != nil }},
		{asked(serving), nothing.of(t, atOnce), "proving, patience 3s", known},
		{without(leaving, func(c *choice) { c.out[other] = nil }), nothing, "trying, http:commands, http:connect", nil},
		{asked(leaving), nothing, "leaving", nil}, // the other one's End is still to come
		{asked(leaving), nothing.of(t, handshake), "leaving, cut 2", func(c *choice) bool { return c.out[other] != nil }},
		{at(trying), on(drew, onHTTP, post).of(t, handshake), "trying", nil},
		{with(trying, func(c *choice) { c.out[post] = nil }), on(drew, onHTTP, post), "trying", func(c *choice) bool { return len(c.out) == 0 }},
		{with(polling, fresh), on(drew, onHTTP, post).of(t, atOnce), "polling", func(c *choice) bool { return c.fresh }},
		{with(polling, fresh), on(drew, onHTTP, post).of(t, handshake), "polling", func(c *choice) bool { return !c.fresh }},
		{without(returning, func(c *choice) { c.out[post2] = nil }), on(drew, onHTTP, post2), "idle", nil},
		{at(closed), nothing.of(t, handshake), "closed", func(c *choice) bool { return c.out[other] != nil }},
	}
}

func broughtRows(t *testing.T) []row {
	virgin := func(p place) *choice { return with(p, func(c *choice) { c.virgin = other }) }
	mine, http := on(brought, onSocket, ours), on(brought, onHTTP, post)
	isFresh := func(c *choice) bool { return c.fresh }
	notFresh := func(c *choice) bool { return !c.fresh }
	return []row{
		{virgin(idle), on(brought, onSocket, other).of(t, pushed), "idle", nil},
		{with(idle, oldOut), on(brought, onSocket, old).of(t, good), "idle, pass", nil},
		{with(opening, oldOut), on(brought, onSocket, old).of(t, good), "opening, pass, patience 1s", nil},
		{at(proving), mine.of(t, granted), "serving, pass, told >websocket first", func(c *choice) bool { return c.since.IsZero() }},
		{at(proving), mine.of(t, bad), "serving, pass, told >websocket first", nil},
		{at(proving), mine.of(t, pushed), "proving, pass, patience 1s", nil}, // the way up may be dead
		{with(proving, oldOut), on(brought, onSocket, old).of(t, good), "proving, pass, patience 1s", nil},
		{with(proving, down), mine.of(t, granted), "serving, pass, told >websocket first", func(c *choice) bool { return !c.down }},
		{with(proving, func(c *choice) { c.carrier = transport.WebSocket }), mine.of(t, good), "serving, pass", nil},
		{with(proving, func(c *choice) { c.carrier = transport.LongPolling }), mine.of(t, granted), "serving, pass, told long-polling>websocket back", nil},
		{at(serving), mine.of(t, good), "serving, pass", nil},
		{at(leaving), mine.of(t, granted), "leaving, pass", nil},
		{at(trying), http.of(t, granted), "polling, pass, told >long-polling mute", notFresh},
		{with(trying, func(c *choice) { c.carrier = transport.WebSocket }), http.of(t, unknown), "polling, pass, told websocket>long-polling mute",
			func(c *choice) bool { return c.fresh && c.failed == epoch.Time }},
		{with(trying, down), http.of(t, granted), "polling, pass, told >long-polling mute", func(c *choice) bool { return !c.down && c.failed.IsZero() }},
		{virgin(trying), on(brought, onSocket, other).of(t, pushed), "trying", nil},
		{at(polling), http.of(t, good), "polling, pass", notFresh},
		{at(polling), http.of(t, bad), "polling, pass", notFresh},
		{at(polling), http.of(t, unknown), "polling, pass", isFresh},
		{at(polling), http.of(t, again), "polling, pass", isFresh},
		{at(polling), http.of(t, denied), "polling, pass", isFresh},
		{at(polling), http.of(t, grantedHTTP), "polling, pass", func(c *choice) bool { return c.unwanted }},
		{with(polling, unwanted), http.of(t, granted), "polling, pass", func(c *choice) bool { return !c.unwanted }},
		{with(polling, unwanted), http.of(t, grantedBare), "polling, pass", func(c *choice) bool { return c.unwanted }},
		{at(returning), http.of(t, good), "returning, pass", nil},
		{with(closed, oldOut), on(brought, onSocket, old).of(t, good), "closed, pass", nil},
	}
}
