package engine

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/turold/turold/bayeux"
	"github.com/turold/turold/client"
	"github.com/turold/turold/fallback"
)

// What is counted beside outcomes.
const (
	published = "publishes"
	delivered = "events"
	latest    = "latest gap" // of these the greatest counts
)

// judge compares what was said and what came with what the server took.
func (r *round) judge(taken map[bayeux.Channel][]ID) {
	times := map[ID]int{}
	for ch, ids := range taken {
		for _, id := range ids {
			if id.Publisher == 0 {
				continue
			}
			times[id]++
			if x := r.find(id); x == nil || x.channel != ch {
				r.violated("the server took %v on %s, and nobody published that", id, ch)
			}
		}
		r.inOrder("the server took what was published on "+string(ch), ids)
	}
	for _, p := range r.publishers {
		for n, x := range p.sent {
			word, wrong := x.judge(times[ID{p.id, n}])
			r.count(published, 1)
			r.count("publish: "+word, 1)
			if wrong != "" {
				r.violated("publish %d.%d on %s (at least once: %v) %s", p.id, n, x.channel, x.again, wrong)
			}
		}
	}
	for n, k := range r.consumers {
		r.judgeList(fmt.Sprintf("consumer %d (%s, session %s)", n, k.channel, k.s.name), &k.list, times, nil)
	}
	for _, h := range r.churners {
		for n, l := range h.lives {
			r.judgeList(fmt.Sprintf("subscription %d to %s, session %s,", n, h.channel, h.s.name), &l.list, times, l)
		}
	}
}

// find is the publish of an ID; nil: there is none.
func (r *round) find(id ID) *publish {
	if id.Publisher < 1 || id.Publisher > len(r.publishers) || id.N >= len(r.publishers[id.Publisher-1].sent) {
		return nil
	}
	return r.publishers[id.Publisher-1].sent[id.N]
}

// inOrder checks that each publisher's messages are in the order in which they
// were handed over, unless they may have been late.
func (r *round) inOrder(who string, ids []ID) {
	last := map[int]int{}
	for _, id := range ids {
		x := r.find(id)
		if x == nil || x.floats() {
			continue
		}
		if n, ok := last[id.Publisher]; ok && id.N < n {
			r.violated("%s out of order: %v behind %d.%d%s", who, id, id.Publisher, n, r.seen(id))
		}
		last[id.Publisher] = max(last[id.Publisher], id.N)
	}
}

// ordered reports whether events come in their order: without acknowledgement
// the two requests of long-polling have none between them.
func (r *round) ordered() bool { return !r.cfg.NoAck || r.cfg.Mode == fallback.WebSocketOnly }

// A finding is what a list has of one publisher.
type finding struct {
	at map[int]int // where each number came, those that float aside
	ns []int       // those numbers, sorted
}

// judgeList judges what a list has. Of a life only what was published in it
// counts, and nothing behind the last that came.
func (r *round) judgeList(who string, l *list, times map[ID]int, life *life) {
	came := map[ID]int{}
	of := map[int]*finding{}
	var ids []ID
	for i, e := range l.entries {
		x := r.find(e.id)
		switch {
		case e.gap != nil:
			r.count("gap: "+string(e.gap.Reason), 1)
			if !r.cfg.NoAck && e.gap.Reason == client.GapConnectionLost {
				r.violated("%s: a lost connection lost events, with acknowledgement", who)
			}
			continue
		case x == nil:
			r.violated("%s got %v, and nobody published that", who, e.id)
			continue
		}
		r.count(delivered, 1)
		ids = append(ids, e.id)
		if came[e.id]++; came[e.id] > times[e.id] {
			r.violated("%s got %v %d times, and the server took it %d times%s", who, e.id, came[e.id], times[e.id], r.seen(e.id))
		}
		if !x.floats() {
			f := of[e.id.Publisher]
			if f == nil {
				f = &finding{at: map[int]int{}}
				of[e.id.Publisher] = f
			}
			f.at[e.id.N] = i
			f.ns = append(f.ns, e.id.N)
		}
	}
	if r.ordered() {
		r.inOrder(who+" got events", ids)
	} else {
		r.count("out of order, without ack", disorder(ids))
	}
	for _, f := range of {
		slices.Sort(f.ns)
	}
	counted, room := 0, 0
	for _, e := range l.entries {
		if e.gap != nil && e.gap.Missed > 0 {
			room += e.gap.Missed
		}
	}
	for id, n := range times {
		x := r.find(id)
		if !l.channel.Matches(x.channel) || came[id] >= n || life != nil && id.N < life.first {
			continue
		}
		if r.missing(who, l, id, x, of[id.Publisher], life != nil) {
			counted += n - came[id]
		}
	}
	if counted > room {
		r.violated("%s: %d events are missing where gaps count %d", who, counted, room)
	}
}

func disorder(ids []ID) (n int) {
	last := map[int]int{}
	for _, id := range ids {
		if most, ok := last[id.Publisher]; ok && id.N < most {
			n++
		}
		last[id.Publisher] = max(last[id.Publisher], id.N)
	}
	return n
}

// missing judges an event that did not come, and reports whether only a gap
// with a number excuses it. The gap has to stand between the publisher's events
// around it; an event that may have been late has no place.
func (r *round) missing(who string, l *list, id ID, x *publish, f *finding, open bool) (counted bool) {
	r.count("missing", 1)
	from, to := -1, len(l.entries)
	if f != nil && !x.floats() {
		i, _ := slices.BinarySearch(f.ns, id.N)
		if i > 0 {
			from = f.at[f.ns[i-1]]
		}
		if i < len(f.ns) {
			to = f.at[f.ns[i]]
		}
	}
	if open && (to == len(l.entries) || x.floats()) { // it was unsubscribed before it could come
		return false
	}
	if from > to {
		from, to = to, from
	}
	for i := max(from, 0); i < to; i++ {
		if g := l.entries[i].gap; g != nil {
			if g.Missed < 0 {
				return false
			}
			counted = true
		}
	}
	if counted {
		return true
	}
	if r.cfg.NoAck {
		fate, told := r.unacknowledged(l, id, x, to)
		r.count("missing, "+fate, 1)
		if r.cfg.Trace {
			r.remark(fate, "%s lacks %v, at entry %d to %d of %d%s%s", who, id, from, to, len(l.entries), r.seen(id), r.around(l, from, to))
		}
		if told {
			return false
		}
	}
	r.violated("%s lacks %v, at entry %d to %d of %d, and no gap stands there%s%s", who, id, from, to, len(l.entries), r.seen(id), r.around(l, from, to))
	return false
}

// unacknowledged says where an event was lost that has no gap at its place, and
// whether nobody could do better: the gap stands where a connection was found
// dead, or the server wrote the event to one that it had as well as nobody.
func (r *round) unacknowledged(l *list, id ID, x *publish, to int) (fate string, excused bool) {
	var next ID
	var since time.Time
	if to < len(l.entries) {
		next, since = l.entries[to].id, l.entries[to].at
	}
	switch fate = r.trace.fate(l.session, id, next); fate {
	case lateRequest:
		return fate, true
	case wasTaken: // out of its order, and dropped where it came
		for _, e := range l.entries {
			excused = excused || e.gap != nil && e.gap.Reason == client.GapQueueFull
		}
		return fate, excused && !r.ordered()
	}
	for i := to; i < len(l.entries); i++ {
		e := l.entries[i]
		if late := e.at.Sub(since); e.gap != nil && e.gap.Missed < 0 && late < Late {
			r.late(i-to, late)
			return fate, fate != deadBefore
		}
	}
	return fate, false
}

// late counts a gap that stands behind its place.
func (r *round) late(events int, by time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.counts["missing, told late"]++
	r.counts[latest+", events behind"] = max(r.counts[latest+", events behind"], events)
	r.counts[latest+", ms behind"] = max(r.counts[latest+", ms behind"], int(by.Milliseconds()))
}

// remark keeps what is worth to be looked at, a few of each kind.
func (r *round) remark(kind, format string, args ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	const most = 2
	if r.kinds[kind]++; r.kinds[kind] <= most {
		r.remarks = append(r.remarks, kind+": "+fmt.Sprintf(format, args...))
	}
}

// seen says where an event was seen.
func (r *round) seen(id ID) string {
	if way := r.trace.way(id); way != "" {
		return "\n    " + way
	}
	return ""
}

// around says what a list has there, and what happened meanwhile.
func (r *round) around(l *list, from, to int) string {
	if r.trace == nil {
		return ""
	}
	const more = 3
	var out strings.Builder
	out.WriteString("\n")
	least, most := max(0, from-more), min(len(l.entries), to+more)
	for i := least; i < most; i++ {
		if i == from+20 && to-20 > i {
			out.WriteString("      ...\n")
			i = to - 20
		}
		e := l.entries[i]
		text := "event " + e.id.String() + ": " + r.trace.way(e.id)
		if e.gap != nil {
			text = "gap " + string(e.gap.Reason)
		}
		fmt.Fprintf(&out, "      [%d] %v %s\n", i, e.at.Sub(r.trace.begun).Round(time.Millisecond), text)
	}
	if least < most {
		a, b := l.entries[least].at.Sub(r.trace.begun), l.entries[most-1].at.Sub(r.trace.begun)
		out.WriteString(r.trace.between(a-2*time.Second, b+2*time.Second))
	}
	return out.String()
}
