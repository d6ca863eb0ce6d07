package engine

import (
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// A trace is what was seen of each event on its way, to say who lost one. A nil
// trace keeps nothing.
type trace struct {
	begun time.Time
	ids   atomic.Int64

	mu    sync.Mutex
	ways  map[ID][]sighting
	links map[int]*passage
	lines []line
}

// A passage is what is known of a link.
type passage struct {
	session string
	ended   time.Duration // 0: it has not
	late    bool          // something reached the server late
}

type sighting struct {
	at    time.Duration
	what  string
	where int
}

type line struct {
	at   time.Duration
	text string
}

func newTrace() *trace {
	return &trace{begun: time.Now(), ways: map[ID][]sighting{}, links: map[int]*passage{}}
}

// begins gives a link its number.
func (t *trace) begins(session string) int {
	if t == nil {
		return 0
	}
	id := int(t.ids.Add(1))
	t.mu.Lock()
	t.links[id] = &passage{session: session}
	t.mu.Unlock()
	t.note("link %d of session %s begins", id, session)
	return id
}

func (t *trace) ends(link int, why string, reset bool) {
	if t == nil {
		return
	}
	t.mu.Lock()
	t.links[link].ended = time.Since(t.begun)
	t.mu.Unlock()
	t.note("link %d ends: %s, reset %v", link, why, reset)
}

// What a sighting is of.
const (
	wrote  = "the server wrote"
	passed = "the relay passed on"
	took   = " took on leg"
)

// late is told that what the client sent reached the server late.
func (t *trace) late(link int) {
	if t == nil {
		return
	}
	t.mu.Lock()
	t.links[link].late = true
	t.mu.Unlock()
	t.note("link %d: what the client sent reaches the server late", link)
}

// stalls is told that what the server has may be taken late.
func (t *trace) stalls() {
	if t == nil {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, k := range t.links {
		k.late = k.late || k.ended == 0
	}
}

// The fates of events that a session lacks.
const (
	foundDeadLater = "lost on a connection that was found dead later"
	deadBefore     = "lost on a connection that had ended before"
	lateRequest    = "not written, and a request that was given up came late"
	notWritten     = "not written"
	wasTaken       = "taken by the client"
)

// fate says where an event was lost, and whether the session could have known
// when it took another, next.
func (t *trace) fate(session string, lost, next ID) string {
	t.mu.Lock()
	defer t.mu.Unlock()
	taken := time.Since(t.begun)
	for _, s := range t.ways[next] {
		if s.what == "session "+session+took {
			taken = s.at
		}
	}
	fate := notWritten
	for _, k := range t.links {
		if k.session == session && k.late && k.ended > 0 {
			fate = lateRequest
		}
	}
	for _, s := range t.ways[lost] {
		switch {
		case s.what == "session "+session+took:
			return wasTaken
		case s.what == wrote && t.links[s.where].session == session:
			fate = foundDeadLater
			if ended := t.links[s.where].ended; ended > 0 && ended < taken {
				fate = deadBefore
			}
		}
	}
	return fate
}

func (t *trace) saw(id ID, what string, where int) {
	if t == nil {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.ways[id] = append(t.ways[id], sighting{time.Since(t.begun), what, where})
}

func (t *trace) note(format string, args ...any) {
	if t == nil {
		return
	}
	text := fmt.Sprintf(format, args...)
	t.mu.Lock()
	defer t.mu.Unlock()
	t.lines = append(t.lines, line{time.Since(t.begun), text})
}

// way says where an event was seen, in the order of time.
func (t *trace) way(id ID) string {
	if t == nil {
		return ""
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	var out []string
	for _, s := range t.ways[id] {
		out = append(out, fmt.Sprintf("%v %s (%d)", s.at.Round(time.Millisecond), s.what, s.where))
	}
	return strings.Join(out, ", ")
}

// between are the lines of a time, as text.
func (t *trace) between(from, to time.Duration) string {
	if t == nil {
		return ""
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	var out strings.Builder
	for _, l := range t.lines {
		if l.at >= from && l.at <= to {
			fmt.Fprintf(&out, "      %v %s\n", l.at.Round(time.Millisecond), l.text)
		}
	}
	return out.String()
}
