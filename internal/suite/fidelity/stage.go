package fidelity

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/turold/turold/transport"
)

const (
	patience = 3 * time.Second        // nothing comes that has not come within it, holds aside
	lull     = 700 * time.Millisecond // whatever is pushed at once has come
)

// A word is a message, read or written without the library.
type word = map[string]any

// A stage is where a scene is played: the connections, the session, and what
// is written down.
type stage struct {
	*testing.T
	lab    *Lab
	server Server
	kind   string
	log    *strings.Builder

	wire  wire
	seq   int
	id    string               // clientId
	names map[string]string    // of clientIds in the trace
	sent  map[string]time.Time // when a connect left, by its id
	told  map[string]bool      // the ids whose replies came
}

func newStage(t *testing.T, lab *Lab, server Server, kind string, log *strings.Builder) *stage {
	return &stage{T: t, lab: lab, server: server, kind: kind, log: log,
		names: map[string]string{}, sent: map[string]time.Time{}, told: map[string]bool{}}
}

// A wire is the connections of one client of one server.
type wire interface {
	// send lets a body leave and does not wait.
	send(s *stage, body string) *exchange
	// finish writes down what came until the exchange is over, or for so long
	// that it never will be.
	finish(s *stage, x *exchange, longest time.Duration)
	// pushed writes down what comes unasked.
	pushed(s *stage, d time.Duration)
	idle() // drops connections that a server may close for want of use
	close()
}

// An exchange is a body that left and, perhaps, is not answered yet.
type exchange struct {
	label string
	ids   []string // of the messages that want a reply
	at    time.Time
	got   chan string // long-polling: the answer
	over  bool        // long-polling: it came, and was told
}

// fresh begins on connections that the server has not seen.
func (s *stage) fresh() {
	s.hangUp()
	s.wire = newWire(s, s.kind)
}

func newWire(s *stage, kind string) wire {
	if kind == transport.WebSocket {
		return newSocket(s)
	}
	return newPolls(s)
}

func (s *stage) hangUp() {
	if s.wire != nil {
		s.wire.close()
		s.wire = nil
	}
}

func (s *stage) printf(format string, args ...any) { fmt.Fprintf(s.log, format+"\n", args...) }

// make makes a message: members are a name and a value each.
func (s *stage) make(channel string, members ...any) word {
	s.seq++
	m := word{"channel": channel, "id": fmt.Sprintf("m%d", s.seq)}
	if s.id != "" && channel != "/meta/handshake" {
		m["clientId"] = s.id
	}
	if channel == "/meta/connect" {
		m["connectionType"] = s.kind
	}
	for i := 0; i < len(members); i += 2 {
		if name := members[i].(string); members[i+1] == nil {
			delete(m, name)
		} else {
			m[name] = members[i+1]
		}
	}
	return m
}

// hold is a connect that asks for a hold; negative: says nothing of it.
func (s *stage) hold(d time.Duration, members ...any) word {
	if d < 0 {
		return s.make("/meta/connect", members...)
	}
	return s.make("/meta/connect", append([]any{"advice", word{"timeout": d.Milliseconds()}}, members...)...)
}

// start sends a batch and does not wait.
func (s *stage) start(batch ...word) *exchange {
	body, err := json.Marshal(batch)
	require.NoError(s, err)
	for _, m := range batch {
		if m["channel"] == "/meta/connect" {
			s.sent[m["id"].(string)] = time.Now()
		}
	}
	x := s.post(string(body))
	for _, m := range batch {
		if id, ok := m["id"].(string); ok {
			x.ids = append(x.ids, id)
		}
	}
	return x
}

// post sends a body as it is.
func (s *stage) post(body string) *exchange {
	x := s.wire.send(s, body)
	shown := body
	if len(shown) > 1000 {
		shown = fmt.Sprintf("%d kB", len(body)/1000)
	}
	s.printf(">%s %s", x.label, s.normal(shown))
	return x
}

// ask sends a batch and writes down what comes back.
func (s *stage) ask(batch ...word) { s.wire.finish(s, s.start(batch...), patience+2*Timeout) }

// say is ask with a body as it is, to which no answer may come.
func (s *stage) say(body string) { s.wire.finish(s, s.post(body), patience) }

// shake begins a session.
func (s *stage) shake(members ...any) {
	s.id = ""
	s.ask(s.make("/meta/handshake", append([]any{"version", "1.0", "supportedConnectionTypes", []string{s.kind}}, members...)...))
}

// begin begins a session on fresh connections, with its first connect behind
// it and a subscription, if one is named. Of this it writes down one line.
func (s *stage) begin(channel string, members ...any) {
	log := s.log
	s.log = new(strings.Builder)
	s.fresh()
	s.shake(members...)
	require.NotEmpty(s, s.id, s.log)
	s.ask(s.hold(0))
	if channel != "" {
		s.ask(s.make("/meta/subscribe", "subscription", channel))
	}
	s.log = log
	s.printf("* begin %s", channel)
}

// publish has the server publish, and lets what is pushed come.
func (s *stage) publish(channel string, n int) {
	require.NoError(s, s.server.Publish(channel, n))
	s.printf("* publish %s %d", channel, n)
}

// own plays a part in which the session is sent what it publishes itself. On a
// socket every server has been seen to send the reply first, now and then.
func (s *stage) own(play func()) {
	if s.kind == transport.WebSocket {
		s.sorted(play)
	} else {
		play()
	}
}

// sorted plays a part in which the order of what comes is chance.
func (s *stage) sorted(play func()) {
	log := s.log
	s.log = new(strings.Builder)
	play()
	lines := strings.Split(strings.TrimSuffix(s.log.String(), "\n"), "\n")
	slices.Sort(lines)
	s.log = log
	s.printf("%s", strings.Join(lines, "\n"))
}

// pushed writes down what comes unasked within d.
func (s *stage) pushed(d time.Duration) { s.wire.pushed(s, d) }

// rest does nothing for a while.
func (s *stage) rest(d time.Duration) {
	s.wire.idle()
	time.Sleep(d)
}

// finish waits for what was started, and writes down what comes until then.
func (s *stage) finish(x *exchange, longest time.Duration) { s.wire.finish(s, x, longest) }
