package fallback

import (
	"strings"
	"time"

	"github.com/turold/turold/internal/mono"
)

func endedRows() []row {
	opens := on(ended, onSocket, other) // never asked: it did not open
	mine := on(ended, onSocket, ours)
	http := on(ended, onHTTP, post)
	late := func(p place) *choice { return with(p, func(c *choice) { c.virgin = other }) }
	why := func(reason string) func(*choice) bool {
		return func(c *choice) bool { return c.reason == reason && c.evidence != nil && c.failed == epoch.Time }
	}
	learnt := func(c *choice) bool { return !c.failed.IsZero() }
	nothing := func(c *choice) bool { return c.failed.IsZero() }
	reused := fails("read", 0)
	reused.StaleConn = true
	rows := []row{
		{at(idle), opens.by(fails("upgrade", 403)), "leaving", why(ReasonRefused)},
		{late(idle), opens.by(fails("read", 0)), "idle", nothing},
		{with(idle, oldOut), on(ended, onSocket, old).by(fails("cut", 0)), "idle, pass", nothing},

		{at(opening), opens.by(fails("upgrade", 400)), "leaving", why(ReasonRefused)},
		{at(opening), opens.by(fails("upgrade", 0)).alike(), "leaving", why(ReasonRefused)},
		{at(opening), opens.by(fails("proxy", 403)).alike(), "leaving", why(ReasonRefused)},
		{at(opening), opens.by(fails("proxy", 0)).alike(), "idle, pass", nothing},
		{at(opening), opens.by(fails("proxy", 0)), "leaving", why(ReasonDial)},
		{at(opening), opens.by(fails("dial", 0)).alike(), "idle, pass", nothing},
		{at(opening), opens.by(fails("dial", 0)), "leaving", why(ReasonDial)},
		{at(opening), opens.by(fails("tls", 0)).alike(), "idle, pass", nothing},
		{at(opening), opens.by(fails("tls", 0)), "leaving", why(ReasonDial)},
		{at(opening), opens.by(fails("read", 0)).alike(), "leaving", why(ReasonLost)},
		{with(opening, down), opens.by(fails("upgrade", 502)), "leaving, pass", why(ReasonRefused)}, // they take turns
		{with(opening, oldOut), on(ended, onSocket, old).by(fails("cut", 0)), "opening, pass, patience 1s", nothing},
		{late(opening), opens.by(fails("drain", 0)), "opening, patience 1s", nothing},

		{at(proving), mine.by(fails("decode", 0)), "leaving, pass, elsewhere", why(ReasonWrong)},
		{at(proving), mine.by(fails("close", 1002)), "leaving, pass, elsewhere", why(ReasonWrong)},
		{at(proving), mine.by(fails("read", 0)), "leaving, pass, elsewhere", why(ReasonLost)},
		{at(proving), mine.by(fails("write", 0)), "leaving, pass, elsewhere", why(ReasonLost)},
		{at(proving), mine.by(fails("ping", 0)), "leaving, pass, elsewhere", why(ReasonLost)},
		{at(proving), mine.by(fails("cut", 0)), "idle, pass", nothing},
		{at(proving), mine, "idle, pass", nothing},
		{with(proving, oldOut), on(ended, onSocket, old), "proving, pass, patience 1s", nothing},
		{at(proving), opens.by(fails("upgrade", 403)), "proving, patience 1s", nothing},

		{at(serving), mine.by(fails("read", 0)), "idle, pass", nothing}, // it has shown that sockets pass
		{at(serving), mine.by(fails("decode", 0)), "idle, pass", nothing},
		{at(serving), mine, "idle, pass", nothing},
		{with(serving, oldOut), on(ended, onSocket, old), "serving, pass", nothing},
		{at(serving), opens.by(fails("dial", 0)), "serving", nothing},

		{at(leaving), mine.by(fails("cut", 0)), "leaving, pass, elsewhere", learnt},
		{at(leaving), mine, "leaving, pass, elsewhere", learnt},
		{with(leaving, down), mine.by(fails("cut", 0)), "leaving, pass", learnt},
		{at(leaving), opens.by(fails("dial", 0)), "leaving", learnt}, // nobody is told

		{at(trying), http.by(fails("dial", 0)), "returning, pass", func(c *choice) bool { return c.down }},
		{at(trying), http.by(fails("status", 502)), "returning, pass", func(c *choice) bool { return c.down }},
		{at(trying), http.by(reused), "trying, pass", func(c *choice) bool { return !c.down }},
		{with(trying, func(c *choice) { c.out[post2] = owing() }), http.by(fails("dial", 0)), "trying, pass", func(c *choice) bool { return !c.down }},
		{at(trying), http, "polling, pass, told >long-polling mute", learnt},
		{at(trying), opens.by(fails("upgrade", 403)), "trying", learnt},
		{late(trying), opens, "trying", learnt},

		{at(polling), http.by(fails("dial", 0)), "polling, pass", learnt},
		{at(polling), http, "polling, pass", learnt},
		{late(polling), opens, "polling", learnt},
		{at(returning), opens.by(fails("dial", 0)), "returning", learnt},
		{at(returning), http.by(fails("cut", 0)), "returning, pass", learnt},

		{with(closed, oldOut), on(ended, onSocket, old).by(fails("cut", 0)), "closed, pass", nothing},
		{at(closed), opens.by(fails("cut", 0)), "closed", nothing},
		{at(closed), http.by(fails("cut", 0)), "closed, pass", nothing},
	}
	for i := range rows { // what is passed on is out until it was
		if then := rows[i].then; rows[i].e.kind == ended {
			id := rows[i].e.leg
			passes := strings.Contains(rows[i].want, ", pass")
			rows[i].then = func(c *choice) bool { return then(c) && (c.out[id] != nil) == passes }
		}
	}
	return rows
}

func passedRows() []row {
	mine, http := on(passed, onSocket, ours), on(passed, onHTTP, post)
	gone := func(c *choice) bool { return len(c.out) == 0 && c.pending == [2]bool{} }
	return []row{
		{with(idle, func(c *choice) { c.out[ours] = owing() }), mine, "idle", gone},
		{with(opening, func(c *choice) { c.out[ours] = owing() }), mine, "opening, patience 1s", gone},
		{with(proving, oldOut), on(passed, onSocket, old), "proving, patience 1s", nil},
		{with(serving, oldOut), on(passed, onSocket, old), "serving", nil},
		{at(leaving), mine, "trying, http:commands, http:connect", gone},
		{with(leaving, pending), mine, "trying, http:commands, http:connect", gone},
		{with(leaving, oldOut), mine, "leaving", nil},
		{at(trying), http, "trying", gone},
		{at(polling), http, "polling", gone},
		{at(returning), http, "idle", gone}, // nothing is dialled unasked
		{with(returning, pending), http, "opening, socket:connect, patience 3s", gone},
		{with(closed, oldOut), on(passed, onSocket, old), "closed", gone},
	}
}

func droppedRows() []row {
	mine := event{kind: dropped, leg: ours}
	return []row{
		{at(idle), mine, "idle", nil},
		{at(opening), mine, "opening, patience 1s", nil},
		{at(proving), mine, "idle", func(c *choice) bool { return c.leg == 0 && !c.since.IsZero() }},
		{at(proving), mine.after(time.Second), "leaving", func(c *choice) bool { return c.reason == ReasonMute }},
		{at(proving), event{kind: dropped, leg: old}, "proving, patience 1s", nil},
		{at(serving), mine.after(time.Hour), "idle", func(c *choice) bool { return c.leg == 0 && c.out[ours] != nil }},
		{at(serving), event{kind: dropped}, "serving", nil},
		{at(leaving), mine, "leaving", nil},
		{at(trying), event{kind: dropped, leg: post}, "trying", nil},
		{at(polling), event{kind: dropped, leg: post}, "polling", nil},
		{at(returning), event{kind: dropped, leg: post}, "returning", nil},
		{at(closed), mine, "closed", nil},
	}
}

func lateRows() []row {
	now, soon := event{kind: late}.after(time.Second), event{kind: late}.after(time.Second-1)
	why := func(reason string) func(*choice) bool {
		return func(c *choice) bool { return c.reason == reason && c.evidence != nil }
	}
	return []row{
		{at(idle), now, "idle", nil},
		{at(opening), soon, "opening, patience 1s", nil},
		{at(opening), now, "trying, http:commands, http:connect", why(ReasonHang)},
		{with(opening, oldOut), now, "leaving", why(ReasonHang)}, // its End is still to come
		{at(proving), soon, "proving, patience 1s", nil},
		{at(proving), now, "leaving, cut 1", why(ReasonMute)},
		{with(proving, func(c *choice) { c.deadline = mono.Time{} }), now, "proving", nil},
		{at(serving), now, "serving", nil},
		{at(leaving), now, "leaving", nil},
		{at(trying), now, "trying", nil},
		{at(polling), now, "polling", nil},
		{at(returning), now, "returning", nil},
		{at(closed), now, "closed", nil},
	}
}

func closesRows() (rows []row) {
	for p := range closed + 1 {
		out := len(at(p).out)
		rows = append(rows, row{at(p), event{kind: closes}, "closed", func(c *choice) bool { return len(c.out) == out }})
	}
	return rows
}
