package main

import "fmt"

var occupies = []column{{"kB", "heap + stack, KB", "%.1f"}, {"heap kB", "heap", "%.1f"}, {"stack kB", "stack", "%.1f"}, {"RSS kB", "resident", "%.1f"}, {"goroutines", "goroutines", "%.2f"}, {"opened s", "all open after, s", "%.1f"}}

const idleNote = "What an idle session occupies after garbage was collected. Turold's in the mode Auto, of one Dialer, each with a cookie, a subscription and " +
	"the acknowledgement extension. Without Turold: a goroutine in gorilla's NextReader with a buffer of 4 KiB, its default, or 1 KiB, and pooled write buffers; a goroutine in a POST of a shared http.Client with a cookie jar."

// idleFew is a thousand sessions.
func idleFew() *comparison {
	c := &comparison{name: "idle", title: "1,000 idle sessions", note: idleNote, rounds: 3, columns: occupies}
	for _, secure := range []bool{false, true} {
		sockets := idlers(1000, secure, socket)
		small := sockets[0]
		small.name, small.Small = small.name+", 1 KiB", true
		c.subjects = append(c.subjects, sockets[0], small, sockets[1])
		c.subjects = append(c.subjects, idlers(1000, secure, poll)...)
	}
	c.goals = []goal{
		{"kB", "Turold websocket", "", 0, 9}, {"kB", "Turold websocket TLS", "", 0, 16},
		{"kB", "Turold long-polling", "raw long-polling", 0, 1.15}, {"kB", "Turold long-polling TLS", "raw long-polling TLS", 0, 1.15},
	}
	return c
}

// idleLarge is ten thousand, beside a thousand.
func idleLarge() *comparison {
	c := &comparison{name: "idle-10000", title: "10,000 idle sessions beside 1,000", note: "Per session.", rounds: 1, columns: occupies}
	for _, secure := range []bool{false, true} {
		for _, kind := range []string{socket, poll} {
			few, many := idlers(1000, secure, kind)[1], idlers(10_000, secure, kind)[1]
			few.name, many.name = few.name+", 1,000", many.name+", 10,000"
			c.subjects = append(c.subjects, few, many)
			c.goals = append(c.goals, goal{"kB", many.name, few.name, 0, 1.1})
		}
	}
	return c
}

// idlers are the loop without Turold and Turold.
func idlers(n int, secure bool, kind string) []subject {
	p := params{Measure: "idle", N: n, Kind: kind, TLS: secure}
	raw, turold := p, p
	turold.Turold, turold.Ack, turold.Query = true, true, "ack"
	if kind == poll {
		turold.Query += "&socket=refused"
	}
	name := kind
	if secure {
		name += " TLS"
	}
	return []subject{{fmt.Sprint("raw ", name), raw}, {fmt.Sprint("Turold ", name), turold}}
}
