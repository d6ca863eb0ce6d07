package fallback

import (
	"strings"
	"time"

	"github.com/turold/turold/internal/mono"
)

func endedRows() []row {
	opens := on(eventEnd, socketPipe, other) // never asked: it did not open
	mine := on(eventEnd, socketPipe, ours)
	http := on(eventEnd, httpPipe, post)
	late := func(p firstPhase) *wsFirst { return with(p, func(f *wsFirst) { f.unusedSocket = other }) }
	why := func(reason Reason) func(*wsFirst) bool {
		return func(f *wsFirst) bool { return f.failReason == reason && f.failErr != nil && f.failedAt == epoch.Time }
	}
	learnt := func(f *wsFirst) bool { return !f.failedAt.IsZero() }
	nothing := func(f *wsFirst) bool { return f.failedAt.IsZero() }
	reused := fails("read", 0)
	reused.StaleConn = true
	rows := []row{
		{at(socketIdle), opens.by(fails("upgrade", 403)), "socketLeaving", why(ReasonRefused)},
		{late(socketIdle), opens.by(fails("read", 0)), "socketIdle", nothing},
		{with(socketIdle, oldOut), on(eventEnd, socketPipe, old).by(fails("cut", 0)), "socketIdle, pass", nothing},

		{at(socketOpening), opens.by(fails("upgrade", 400)), "socketLeaving", why(ReasonRefused)},
		{at(socketOpening), opens.by(fails("upgrade", 0)).alike(), "socketLeaving", why(ReasonRefused)},
		{at(socketOpening), opens.by(fails("proxy", 403)).alike(), "socketLeaving", why(ReasonRefused)},
		{at(socketOpening), opens.by(fails("proxy", 0)).alike(), "socketIdle, pass", nothing},
		{at(socketOpening), opens.by(fails("proxy", 0)), "socketLeaving", why(ReasonDial)},
		{at(socketOpening), opens.by(fails("dial", 0)).alike(), "socketIdle, pass", nothing},
		{at(socketOpening), opens.by(fails("dial", 0)), "socketLeaving", why(ReasonDial)},
		{at(socketOpening), opens.by(fails("tls", 0)).alike(), "socketIdle, pass", nothing},
		{at(socketOpening), opens.by(fails("tls", 0)), "socketLeaving", why(ReasonDial)},
		{at(socketOpening), opens.by(fails("read", 0)).alike(), "socketLeaving", why(ReasonLost)},
		{with(socketOpening, down), opens.by(fails("upgrade", 502)), "socketLeaving, pass", why(ReasonRefused)}, // they take turns
		{with(socketOpening, oldOut), on(eventEnd, socketPipe, old).by(fails("cut", 0)), "socketOpening, pass, patience 1s", nothing},
		{late(socketOpening), opens.by(fails("drain", 0)), "socketOpening, patience 1s", nothing},

		{at(socketProving), mine.by(fails("decode", 0)), "socketLeaving, pass, retry now", why(ReasonWrong)},
		{at(socketProving), mine.by(fails("close", 1002)), "socketLeaving, pass, retry now", why(ReasonWrong)},
		{at(socketProving), mine.by(fails("read", 0)), "socketLeaving, pass, retry now", why(ReasonLost)},
		{at(socketProving), mine.by(fails("write", 0)), "socketLeaving, pass, retry now", why(ReasonLost)},
		{at(socketProving), mine.by(fails("ping", 0)), "socketLeaving, pass, retry now", why(ReasonLost)},
		{at(socketProving), mine.by(fails("cut", 0)), "socketIdle, pass", nothing},
		{at(socketProving), mine, "socketIdle, pass", nothing},
		{with(socketProving, oldOut), on(eventEnd, socketPipe, old), "socketProving, pass, patience 1s", nothing},
		{at(socketProving), opens.by(fails("upgrade", 403)), "socketProving, patience 1s", nothing},

		{at(socketServing), mine.by(fails("read", 0)), "socketIdle, pass", nothing}, // it has shown that sockets pass
		{at(socketServing), mine.by(fails("decode", 0)), "socketIdle, pass", nothing},
		{at(socketServing), mine, "socketIdle, pass", nothing},
		{with(socketServing, oldOut), on(eventEnd, socketPipe, old), "socketServing, pass", nothing},
		{at(socketServing), opens.by(fails("dial", 0)), "socketServing", nothing},

		{at(socketLeaving), mine.by(fails("cut", 0)), "socketLeaving, pass, retry now", learnt},
		{at(socketLeaving), mine, "socketLeaving, pass, retry now", learnt},
		{with(socketLeaving, down), mine.by(fails("cut", 0)), "socketLeaving, pass", learnt},
		{at(socketLeaving), opens.by(fails("dial", 0)), "socketLeaving", learnt}, // nobody is told

		{at(httpTrying), http.by(fails("dial", 0)), "httpLeaving, pass", func(f *wsFirst) bool { return f.httpFailed }},
		{at(httpTrying), http.by(fails("status", 502)), "httpLeaving, pass", func(f *wsFirst) bool { return f.httpFailed }},
		{at(httpTrying), http.by(reused), "httpTrying, pass", func(f *wsFirst) bool { return !f.httpFailed }},
		{with(httpTrying, func(f *wsFirst) { f.legs[post2] = owing() }), http.by(fails("dial", 0)), "httpTrying, pass", func(f *wsFirst) bool { return !f.httpFailed }},
		{at(httpTrying), http, "httpServing, pass, told >long-polling mute", learnt},
		{at(httpTrying), opens.by(fails("upgrade", 403)), "httpTrying", learnt},
		{late(httpTrying), opens, "httpTrying", learnt},

		{at(httpServing), http.by(fails("dial", 0)), "httpServing, pass", learnt},
		{at(httpServing), http, "httpServing, pass", learnt},
		{late(httpServing), opens, "httpServing", learnt},
		{at(httpLeaving), opens.by(fails("dial", 0)), "httpLeaving", learnt},
		{at(httpLeaving), http.by(fails("cut", 0)), "httpLeaving, pass", learnt},

		{with(firstClosed, oldOut), on(eventEnd, socketPipe, old).by(fails("cut", 0)), "closed, pass", nothing},
		{at(firstClosed), opens.by(fails("cut", 0)), "closed", nothing},
		{at(firstClosed), http.by(fails("cut", 0)), "closed, pass", nothing},
	}
	for i := range rows { // what is passed on is out until it was
		if then := rows[i].then; rows[i].e.kind == eventEnd {
			id := rows[i].e.leg
			passes := strings.Contains(rows[i].want, ", pass")
			rows[i].then = func(f *wsFirst) bool { return then(f) && (f.legs[id] != nil) == passes }
		}
	}
	return rows
}

func passedRows() []row {
	mine, http := on(eventEndDelivered, socketPipe, ours), on(eventEndDelivered, httpPipe, post)
	gone := func(f *wsFirst) bool { return len(f.legs) == 0 && f.pending == [2]bool{} }
	return []row{
		{with(socketIdle, func(f *wsFirst) { f.legs[ours] = owing() }), mine, "socketIdle", gone},
		{with(socketOpening, func(f *wsFirst) { f.legs[ours] = owing() }), mine, "socketOpening, patience 1s", gone},
		{with(socketProving, oldOut), on(eventEndDelivered, socketPipe, old), "socketProving, patience 1s", nil},
		{with(socketServing, oldOut), on(eventEndDelivered, socketPipe, old), "socketServing", nil},
		{at(socketLeaving), mine, "httpTrying, http:commands, http:connect", gone},
		{with(socketLeaving, pending), mine, "httpTrying, http:commands, http:connect", gone},
		{with(socketLeaving, oldOut), mine, "socketLeaving", nil},
		{at(httpTrying), http, "httpTrying", gone},
		{at(httpServing), http, "httpServing", gone},
		{at(httpLeaving), http, "socketIdle", gone}, // nothing is dialled unasked
		{with(httpLeaving, pending), http, "socketOpening, socket:connect, patience 3s", gone},
		{with(firstClosed, oldOut), on(eventEndDelivered, socketPipe, old), "closed", gone},
	}
}

func droppedRows() []row {
	mine := event{kind: eventDropped, leg: ours}
	return []row{
		{at(socketIdle), mine, "socketIdle", nil},
		{at(socketOpening), mine, "socketOpening, patience 1s", nil},
		{at(socketProving), mine, "socketIdle", func(f *wsFirst) bool { return f.socketLeg == 0 && !f.unansweredSince.IsZero() }},
		{at(socketProving), mine.after(time.Second), "socketLeaving", func(f *wsFirst) bool { return f.failReason == ReasonMute }},
		{at(socketProving), event{kind: eventDropped, leg: old}, "socketProving, patience 1s", nil},
		{at(socketServing), mine.after(time.Hour), "socketIdle", func(f *wsFirst) bool { return f.socketLeg == 0 && f.legs[ours] != nil }},
		{at(socketServing), event{kind: eventDropped}, "socketServing", nil},
		{at(socketLeaving), mine, "socketLeaving", nil},
		{at(httpTrying), event{kind: eventDropped, leg: post}, "httpTrying", nil},
		{at(httpServing), event{kind: eventDropped, leg: post}, "httpServing", nil},
		{at(httpLeaving), event{kind: eventDropped, leg: post}, "httpLeaving", nil},
		{at(firstClosed), mine, "closed", nil},
	}
}

func lateRows() []row {
	now, soon := event{kind: eventTimer}.after(time.Second), event{kind: eventTimer}.after(time.Second-1)
	why := func(reason Reason) func(*wsFirst) bool {
		return func(f *wsFirst) bool { return f.failReason == reason && f.failErr != nil }
	}
	return []row{
		{at(socketIdle), now, "socketIdle", nil},
		{at(socketOpening), soon, "socketOpening, patience 1s", nil},
		{at(socketOpening), now, "httpTrying, http:commands, http:connect", why(ReasonHang)},
		{with(socketOpening, oldOut), now, "socketLeaving", why(ReasonHang)}, // its End is still to come
		{at(socketProving), soon, "socketProving, patience 1s", nil},
		{at(socketProving), now, "socketLeaving, cut 1", why(ReasonMute)},
		{with(socketProving, func(f *wsFirst) { f.patienceEndAt = mono.Time{} }), now, "socketProving", nil},
		{at(socketServing), now, "socketServing", nil},
		{at(socketLeaving), now, "socketLeaving", nil},
		{at(httpTrying), now, "httpTrying", nil},
		{at(httpServing), now, "httpServing", nil},
		{at(httpLeaving), now, "httpLeaving", nil},
		{at(firstClosed), now, "closed", nil},
	}
}

func closesRows() (rows []row) {
	for p := range firstClosed + 1 {
		out := len(at(p).legs)
		rows = append(rows, row{at(p), event{kind: eventClose}, "closed", func(f *wsFirst) bool { return len(f.legs) == out }})
	}
	return rows
}
