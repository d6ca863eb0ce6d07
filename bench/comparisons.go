package main

import "fmt"

// The kinds of a subject.
const (
	socket = "websocket"
	poll   = "long-polling"
)

// comparisons are all there are, in the order of the report.
func comparisons() []*comparison {
	all := []*comparison{idleFew(), idleLarge()}
	for _, kind := range []string{socket, poll} {
		all = append(all, receiving(kind))
	}
	all = append(all, publishing(), answering(), latencies(), echoing(), firsts(false), firsts(true), known(), storms())
	return append(all, peersComparisons()...)
}

// receiving is events at full speed, on one core.
func receiving(kind string) *comparison {
	c := &comparison{
		name: "receive-" + kind, title: "Receive by " + kind, rounds: 5,
		note: "Events of 252 bytes as fast as they come, to the application's loop, on one core; goals are about the CPU's time, which other programs on the machine disturb less. Without Turold: " +
			map[string]string{socket: "gorilla's NextReader, a copy, the tokenizer.", poll: "POSTs of net/http, the tokenizer."}[kind],
		columns: []column{{"msgs/s", "messages a second", "%.0f"}, {"msgs/cpu-s", "messages a CPU second", "%.0f"}, {"allocs/msg", "allocations a message", "%.2f"}, {"B/msg", "bytes a message", "%.0f"}},
	}
	least := map[string]float64{socket: 0.85, poll: 0.9}[kind]
	allocs := map[int]float64{1: 6, 10: 2.5, 100: 1.5}
	for _, batch := range []int{1, 10, 100} {
		p := params{Measure: "receive", Kind: kind, Batch: batch, Seconds: 1, Cores: 1, Query: fmt.Sprint("flood=", batch)}
		name := func(of string) string { return fmt.Sprintf("%s, %d a frame", of, batch) }
		turold, ack := p, p
		turold.Turold = true
		ack.Turold, ack.Ack, ack.Query = true, true, p.Query+"&ack"
		c.subjects = append(c.subjects, subject{name("raw"), p}, subject{name("Turold"), turold}, subject{name("Turold with ack"), ack})
		c.goals = append(c.goals, goal{"msgs/cpu-s", name("Turold"), name("raw"), least, 0})
		if kind == socket {
			c.goals = append(c.goals, goal{"allocs/msg", name("Turold"), "", 0, allocs[batch]})
		}
	}
	return c
}

func publishing() *comparison {
	p := params{Measure: "publish", Kind: socket, Seconds: 1}
	turold, drain := p, p
	turold.Turold, drain.Way = true, "drain"
	return &comparison{
		name: "publish", title: "Publish at full speed", rounds: 5,
		note:     "Messages of about 252 bytes, at most 1,024 of them unanswered, each answer matched to its message. Without Turold: a frame a message, and a loop that puts what is queued, at most 64, into one frame.",
		columns:  []column{{"msgs/s", "messages a second", "%.0f"}, {"ns/msg", "CPU ns a message", "%.0f"}},
		subjects: []subject{{"raw, a frame each", p}, {"raw, draining", drain}, {"Turold's Send", turold}},
		goals:    []goal{{"msgs/s", "Turold's Send", "raw, a frame each", 3, 0}, {"msgs/s", "Turold's Send", "raw, draining", 0.6, 0}},
	}
}

var microseconds = []column{{"p50", "half within, µs", "%.0f"}, {"p90", "90 % within", "%.0f"}, {"p99", "99 % within", "%.0f"}}

// sides are a transport without Turold and with it.
func sides(p params, kinds ...string) (all []subject) {
	for _, kind := range kinds {
		p.Kind = kind
		turold := p
		turold.Turold = true
		all = append(all, subject{"raw " + kind, p}, subject{"Turold " + kind, turold})
	}
	return all
}

func answering() *comparison {
	return &comparison{
		name: "answer", title: "From a publish to its answer", rounds: 7, columns: microseconds,
		note:     "One at a time, nothing else on the connection.",
		subjects: sides(params{Measure: "answer", Seconds: 1}, socket, poll),
		goals:    []goal{{"p50", "Turold websocket", "raw websocket", 0, 1.15}},
	}
}

func latencies() *comparison {
	return &comparison{
		name: "latency", title: "From the server's event to the application", rounds: 7, columns: microseconds,
		note:     "An event every 2 ms, without acknowledgement.",
		subjects: sides(params{Measure: "latency", Seconds: 2, Query: "tick=2ms"}, socket, poll),
		goals:    []goal{{"p50", "Turold long-polling", "Turold websocket", 0, 1.4}},
	}
}

func echoing() *comparison {
	all := sides(params{Measure: "echo", Seconds: 1, Query: "echo"}, socket)
	long := params{Measure: "echo", Seconds: 1, Query: "echo", Kind: poll, Turold: true}
	return &comparison{
		name: "echo", title: "From a publish to its event", rounds: 7, columns: microseconds,
		note:     "To who published it, one at a time, without acknowledgement.",
		subjects: append(all, subject{"Turold long-polling", long}),
	}
}

// firsts is the first event, on networks that treat WebSockets in different ways.
func firsts(secure bool) *comparison {
	name, title := "first-plain", "The first event, 100 ms away"
	if secure {
		name, title = "first-tls", title+", TLS"
	}
	c := &comparison{
		name: name, title: title, rounds: 5,
		note:    "From nothing to the first event, in the mode Auto with acknowledgement. To connect takes a round trip, TLS another. Without Turold: two POSTs, the handshake, and a subscribe with a connect that is answered at once.",
		columns: []column{{"ms", "ms", "%.0f"}, {"round trips", "round trips", "%.2f"}},
	}
	p := params{Measure: "first", TLS: secure, Query: "first"}
	c.subjects = append(c.subjects, subject{"two POSTs", p})
	p.Turold, p.Ack, p.Query = true, true, "first&ack"
	for _, way := range []string{"clear", "refused", "mute", "hole"} {
		there := p
		there.Query += "&socket=" + way
		c.subjects = append(c.subjects, subject{"WebSockets: " + way, there})
		c.goals = append(c.goals, goal{"ms", "WebSockets: " + way, "two POSTs", 0, 1.05})
	}
	return c
}

// known is the first event where a WebSocket has just worked.
func known() *comparison {
	c := &comparison{
		name: "first-known", title: "The first event where WebSockets are known good, 100 ms away", rounds: 5,
		note:    "As before, but a WebSocket has worked on the way a moment ago, and the event is published as soon as the subscription was answered: POSTs need a third. Without acknowledgement the socket brings it at once.",
		columns: []column{{"ms", "ms", "%.0f"}, {"round trips", "round trips", "%.2f"}},
	}
	for _, secure := range []bool{false, true} {
		end := map[bool]string{true: ", TLS"}[secure]
		p := params{Measure: "first", TLS: secure, Query: "after"}
		c.subjects = append(c.subjects, subject{"three POSTs" + end, p})
		p.Turold, p.Known = true, true
		c.subjects = append(c.subjects, subject{"Turold, no ack" + end, p})
		p.Ack, p.Query = true, "after&ack"
		c.subjects = append(c.subjects, subject{"Turold" + end, p})
		earlier := map[bool]float64{false: 3.15 / 4, true: 4.2 / 5}[secure] // a round trip, and 5 %
		c.goals = append(c.goals, goal{"ms", "Turold, no ack" + end, "three POSTs" + end, 0, earlier}, goal{"ms", "Turold" + end, "three POSTs" + end, 0, 1.05})
	}
	return c
}

func storms() *comparison {
	p := params{Measure: "storm", Kind: socket, N: 10_000, Turold: true, Ack: true, Query: "ack"}
	return &comparison{
		name: "storm", title: "10,000 sessions after a restart", rounds: 1,
		note:     "The server forgets all sessions, is away for 2 s, and takes them back: from its return until every session is connected and subscribed again.",
		columns:  []column{{"all back s", "all back after, s", "%.1f"}, {"CPU s", "CPU seconds of the client", "%.1f"}, {"busiest", "handshakes in the busiest second", "%.0f"}, {"handshakes", "handshakes a session", "%.2f"}, {"failures", "failures a session", "%.2f"}},
		subjects: []subject{{"Turold, Auto", p}},
	}
}
