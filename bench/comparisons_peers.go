package main

import "fmt"

// The names of clients in a comparison of peers.
const (
	ours = "Turold"
	java = "CometD's Java client"
	js   = "CometD's JavaScript client"
)

// burst is how many events a client asks for at a time.
const burst = 1000

const peersNote = " Against one CometD 9.0.0 server on the JVM's own settings, each client in a process of its own on its defaults, with one transport: CometD's Java client 9.0.0 on Jetty 12.1.3, " +
	"its JavaScript client 9.0.0 with cometd-nodejs-client 2.0.0, without compression, on which the server's Jetty fails now and then. "

const warmNote = "Each is warmed up for %g s by the same work, and each has had a turn that does not count, for the server's sake. CometD's clients do without acknowledgement unless an extension is added, " +
	"Turold unless NoAck is set does with it: each is measured both ways. "

// peersComparisons are those with CometD's own clients.
func peersComparisons() []*comparison {
	return []*comparison{peersLatency(), peersReceive(), peersIdle()}
}

func peersLatency() *comparison {
	p := params{Measure: "peers-latency", Warm: 4, Seconds: 2}
	return &comparison{
		name: "peers-latency", title: "Beside CometD's clients: from a publish to its event", rounds: 5, peers: true, columns: microseconds,
		note: "To who published it, one at a time: until Next has returned and its data is decoded, or the listener is called." + peersNote + fmt.Sprintf(warmNote, p.Warm) +
			"With acknowledgement events come with a connect's answer only, and the JavaScript client sends its connects from a timer: a millisecond at least under Node.js. " +
			"The server's time is in each: what Turold takes with one that answers from canned bytes is above, in the comparison called echo.",
		subjects: rivals(p, false, true),
	}
}

func peersReceive() *comparison {
	p := params{Measure: "peers-receive", N: burst, Warm: 4, Seconds: 3}
	return &comparison{
		name: "peers-receive", title: "Beside CometD's clients: receive", rounds: 5, peers: true,
		note: fmt.Sprintf("Events of about 252 bytes that the server publishes in bursts of %d, as fast as it can; a client asks for the next one when it has one, so that one or two are under way. ", burst) +
			"The application reads a number in each: Turold's decodes the data for it, CometD's clients have done so." + peersNote + fmt.Sprintf(warmNote, p.Warm) +
			"The server has the same cores, takes more of them than any client, and with bursts both wait at times: messages a second are the pair's. Messages a CPU second are the client process's, " +
			"its collector and compiler included.",
		columns:  []column{{"msgs/s", "messages a second", "%.0f"}, {"msgs/cpu-s", "messages a CPU second", "%.0f"}, {"cores", "cores in use", "%.2f"}},
		subjects: rivals(p, false, true),
	}
}

func peersIdle() *comparison {
	return &comparison{
		name: "peers-idle", title: "Beside CometD's clients: 1,000 idle sessions", rounds: 3, peers: true,
		note: "Per session, after garbage was collected, beside one session that was there before: with a subscription, without acknowledgement, of one Dialer, one HTTP client and WebSocket container, or one module." + peersNote +
			"A JVM keeps what it has once taken, so that live objects (for Turold the stacks too, for Node.js what is outside its heap too) say more than what is resident. Turold spreads handshakes on purpose.",
		columns:  []column{{"RSS kB", "resident, KB", "%.1f"}, {"heap kB", "live objects, KB", "%.1f"}, {"process MB", "the process, MB resident", "%.0f"}, {"opened s", "all open after, s", "%.1f"}},
		subjects: rivals(params{Measure: "peers-idle", N: 1000}, false),
	}
}

// rivals are the clients by each transport, with acknowledgement and without.
func rivals(p params, acks ...bool) (all []subject) {
	for _, kind := range []string{socket, poll} {
		for _, ack := range acks {
			for _, peer := range []string{ours, java, js} {
				p.Peer, p.Kind, p.Ack = peer, kind, ack
				name := peer + " " + kind
				if ack {
					name += " with ack"
				}
				all = append(all, subject{name, p})
			}
		}
	}
	return all
}
