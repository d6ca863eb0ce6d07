package fidelity

import (
	"net/http"
	"strings"

	"github.com/turold/turold/transport"
)

func subscribes(s *stage) {
	s.begin("")
	sub := func(channel string, members ...any) {
		s.ask(s.make(channel, members...))
	}
	sub("/meta/subscribe", "subscription", "/lab/x")
	sub("/meta/subscribe", "subscription", "/lab/x") // again
	sub("/meta/subscribe", "subscription", []string{"/lab/y", "/lab/z"})
	sub("/meta/subscribe", "subscription", []string{"/lab/y", "/deny/z"})
	sub("/meta/subscribe", "subscription", "/deny/x")
	sub("/meta/subscribe")
	sub("/meta/unsubscribe", "subscription", "/lab/x")
	sub("/meta/unsubscribe", "subscription", "/lab/never")
	sub("/meta/unsubscribe", "subscription", []string{"/lab/y", "/lab/z"})
	sub("/meta/unsubscribe")
	for _, bad := range []string{"lab", "/meta/connect", "/lab/**/x", "/l*b", "/lab/a b", "/lab/\u00e9"} {
		s.begin("")
		s.say(encode([]word{s.make("/meta/subscribe", "subscription", bad)}))
	}
}

func wildcards(s *stage) {
	s.begin("/lab/w/*")
	s.ask(s.make("/meta/subscribe", "subscription", "/lab/w/**"))
	s.ask(s.make("/meta/subscribe", "subscription", "/lab/w/a"))
	for n, channel := range []string{"/lab/w", "/lab/w/a", "/lab/w/b", "/lab/w/a/b", "/lab/v/a"} {
		s.publish(channel, n)
		s.pushed(lull)
	}
	s.ask(s.hold(0))
	s.ask(s.make("/meta/unsubscribe", "subscription", "/lab/w/**"))
	s.publish("/lab/w/a", 5)
	s.publish("/lab/w/a/b", 6)
	s.pushed(lull)
	s.ask(s.hold(0))
}

func publishes(s *stage) {
	s.begin("/lab/p")
	s.ask(s.make("/lab/other", "data", word{"n": 1}))
	s.own(func() {
		s.ask(s.make("/lab/p", "data", word{"n": 2}, "ext", word{"mine": true}))
		s.pushed(lull)
	})
	for _, falsy := range []any{false, 0, ""} {
		s.own(func() {
			s.ask(s.make("/lab/p", "data", falsy))
			s.pushed(lull)
		})
	}
	held := s.start(s.hold(-1))
	s.pushed(lull)
	s.own(func() {
		s.ask(s.make("/lab/p", "data", word{"n": 3}))
		s.finish(held, patience)
		s.pushed(lull)
	})
	s.ask(s.make("/deny/p", "data", 1))
	s.ask(s.make("/lab/q"))
	for _, id := range []any{"p-3", nil} {
		s.fresh()
		s.shake()
		s.say(encode([]word{s.make("/lab/q", "data", 1, "id", id)}))
	}
	for _, bad := range []string{"lab", "/lab/*", "/", "/lab/", "/lab//x", "/meta/none"} {
		s.fresh()
		s.shake()
		s.say(encode([]word{s.make(bad, "data", 1)}))
	}
	m := s.make("", "data", 1, "channel", nil)
	s.say(encode([]word{m}))
}

func services(s *stage) {
	s.begin("")
	s.ask(s.make("/meta/subscribe", "subscription", "/service/x"))
	s.ask(s.make("/meta/unsubscribe", "subscription", "/service/x"))
	s.ask(s.make("/service/none", "data", 1))
	if s.lab.Calls && s.kind == transport.LongPolling {
		s.ask(s.make("/service/echo", "data", word{"n": 1}))
	}
}

// relays: what becomes of the members that another client puts into what it publishes.
func relays(s *stage) {
	s.begin("/lab/r")
	other := newStage(s.T, s.lab, s.server, s.kind, new(strings.Builder)) // what it is told is not looked at
	other.fresh()
	other.shake()
	for n, members := range [][]any{
		{"subscription", 5},
		{"successful", true},
		{"successful", "yes", "id", 17},
		{"successful", false, "error", ""},
		{"successful", false, "error", "402::x"},
		{"error", 5},
		{"advice", word{"reconnect": "none"}},
		{"advice", 5},
		{"version", word{}, "minimumVersion", []int{}, "connectionType", 5, "supportedConnectionTypes", false},
		{"ext", 7, "id", "probe"},
		{"id", nil},
		{"mine", word{"a": []any{1, nil, "x"}}, "__proto__", 1, "", 2},
		{"data", nil},
		{"data", nil, "successful", true},
		{"data", nil, "error", "402::x", "advice", word{"reconnect": "handshake"}},
		{"clientId", "nobody"},
	} {
		other.ask(other.make("/lab/r", append([]any{"data", n}, members...)...))
	}
	other.hangUp()
	s.pushed(lull)
	s.ask(s.hold(0))
	s.pushed(lull)
}

// queue: what is published while no connect is out.
func queue(s *stage) {
	s.begin("/lab/q")
	for n := range 3 {
		s.publish("/lab/q", n)
	}
	s.pushed(lull)
	s.ask(s.make("/lab/other", "data", 1)) // its reply may bring them
	s.publish("/lab/q", 3)
	s.pushed(lull)
	s.ask(s.hold(-1))
	s.pushed(lull)
	held := s.start(s.hold(-1))
	s.pushed(lull)
	s.publish("/lab/q", 4)
	s.finish(held, patience)
	s.pushed(lull)
}

// acks: what is kept until it is acknowledged.
func acks(s *stage) {
	s.begin("/lab/a", "ext", word{"ack": true})
	acked := func(n int) { s.ask(s.hold(0, "ext", word{"ack": n})) }
	acked(0)
	for n := range 2 {
		s.publish("/lab/a", n)
	}
	s.pushed(lull)
	s.ask(s.make("/lab/other", "data", 1)) // it brings none
	s.ask(s.make("/meta/subscribe", "subscription", "/lab/aa"))
	acked(1)
	acked(1) // the reply was lost: they come again
	s.publish("/lab/a", 2)
	s.pushed(lull)
	acked(1)
	acked(4)
	s.publish("/lab/a", 3)
	s.pushed(lull)
	s.ask(s.hold(0)) // no acknowledgement at all
	s.ask(s.hold(0))
	s.ask(s.hold(0, "ext", word{"ack": 1000})) // of what was never sent
	s.ask(s.hold(0))
	held := s.start(s.hold(-1, "ext", word{"ack": 1000}))
	s.pushed(lull)
	s.publish("/lab/a", 4)
	s.finish(held, patience)
	held = s.start(s.hold(-1, "ext", word{"ack": 11}))
	s.pushed(lull)
	s.sorted(func() { // its own
		s.ask(s.make("/lab/a", "data", 5))
		s.finish(held, patience)
	})
}

// ackCuts breaks the socket behind each frame of a batch, and asks on another
// one with the acknowledgement that was last.
func ackCuts(s *stage) {
	for frames := range 4 {
		s.begin("/lab/c", "ext", word{"ack": true})
		s.ask(s.hold(0, "ext", word{"ack": 0}))
		for n := range 3 {
			s.publish("/lab/c", n)
		}
		s.pushed(lull)
		s.start(s.hold(0, "ext", word{"ack": 1}))
		s.wire.(*socket).take(s, frames)
		s.printf("* cut behind %d frames", frames)
		s.fresh()
		s.ask(s.hold(0, "ext", word{"ack": 1}))
	}
}

func batches(s *stage) {
	s.begin("/lab/b")
	s.own(func() {
		s.ask(s.make("/lab/b", "data", 1), s.make("/lab/b", "data", 2), s.make("/meta/subscribe", "subscription", "/lab/bb"))
		s.pushed(lull)
	})
	s.ask(s.make("/lab/other", "data", 3), s.hold(0))
	s.pushed(lull)
	s.ask(s.make("/meta/subscribe", "subscription", "/lab/cc"), s.hold(Timeout/2))
	s.own(func() {
		s.ask(s.make("/lab/b", "data", 4), s.make("/deny/b", "data", 5), s.make("/lab/other", "data", 6))
		s.pushed(lull)
	})
}

// malformed: what is no batch of messages.
func malformed(s *stage) {
	for _, body := range []string{"", "[]", "{", "[", "[1]", `"x"`, "null", "[{}]", "[[]]", "hello"} {
		s.begin("")
		s.say(body)
	}
	s.begin("")
	one := encode([]word{s.make("/lab/x", "data", 1)})
	s.say(one[1 : len(one)-1]) // an object, and no array around it
}

// requests: HTTP that is no POST of JSON.
func requests(s *stage) {
	for _, r := range []struct{ method, kind string }{
		{http.MethodGet, ""}, {http.MethodPut, "application/json"}, {http.MethodPost, "text/plain"}, {http.MethodPost, ""},
	} {
		s.begin("")
		body := encode([]word{s.make("/lab/x", "data", 1)})
		x := s.wire.(*polls).request(s, r.method, r.kind, body)
		s.printf("> %s as %q", r.method, r.kind)
		s.finish(x, patience)
	}
}

func oversize(s *stage) {
	s.begin("")
	s.say(encode([]word{s.make("/lab/x", "data", strings.Repeat("x", 60_000))}))
	s.say(encode([]word{s.make("/lab/x", "data", strings.Repeat("x", 70_000))}))
	s.ask(s.hold(0)) // the session survived
}
