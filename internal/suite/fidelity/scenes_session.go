package fidelity

import (
	"time"

	"github.com/stretchr/testify/require"

	"github.com/turold/turold/transport"
)

const nobody = "nobody1234567890" // a clientId that no server gave

func handshakes(s *stage) {
	s.shake()
	s.shake("ext", word{"ack": true})
	s.shake("minimumVersion", "1.0")
	s.shake("supportedConnectionTypes", []string{"flash"})
	s.shake("supportedConnectionTypes", nil)
	s.shake("version", nil)
	s.id = nobody
	s.ask(s.make("/meta/handshake", "version", "1.0", "supportedConnectionTypes", []string{s.kind}, "clientId", nobody))
	// A handshake goes alone.
	s.fresh()
	s.id = ""
	s.say(encode([]word{
		s.make("/meta/handshake", "version", "1.0", "supportedConnectionTypes", []string{s.kind}),
		s.make("/meta/connect", "clientId", nobody),
	}))
}

func connects(s *stage) {
	s.fresh()
	s.shake()
	s.ask(s.hold(-1)) // the first
	s.ask(s.hold(-1))
	s.ask(s.hold(0))
	s.ask(s.hold(Timeout / 2))
	s.ask(s.hold(Timeout * 3 / 2)) // longer than its own
	s.ask(s.make("/meta/connect", "advice", word{"timeout": -1}))
	s.ask(s.make("/meta/connect", "advice", word{"timeout": 0, "interval": 5000})) // it says so in its reply
	s.ask(s.make("/meta/connect", "connectionType", "flash", "advice", word{"timeout": 0}))
	s.ask(s.make("/meta/connect", "connectionType", nil, "advice", word{"timeout": 0}))
	s.say(encode([]word{s.make("/meta/connect", "advice", word{"timeout": "long"})}))
}

// overtaken: a second connect while one is held, one that is not held and one that is.
func overtaken(s *stage) {
	s.begin("/lab/over")
	first := s.start(s.hold(-1))
	s.pushed(lull)
	s.ask(s.hold(0))
	s.publish("/lab/over", 1)
	s.pushed(lull)
	s.finish(first, patience)

	s.begin("/lab/over")
	first = s.start(s.hold(-1))
	s.pushed(lull)
	second := s.start(s.hold(-1))
	s.pushed(lull)
	s.publish("/lab/over", 2)
	s.finish(second, patience)
	s.finish(first, patience)
}

func twoAtOnce(s *stage) {
	s.begin("")
	batch := []word{s.hold(0), s.hold(-1)}
	s.finish(s.start(batch...), patience+Timeout)
}

func unknown(s *stage) {
	for _, id := range []string{nobody, "no-body"} {
		s.fresh()
		s.id = id
		s.ask(s.hold(0))
		s.fresh()
		s.ask(s.make("/meta/subscribe", "subscription", "/lab/x"))
		s.ask(s.make("/meta/unsubscribe", "subscription", "/lab/x"))
		s.ask(s.make("/lab/x", "data", 1))
		s.ask(s.make("/service/echo", "data", 1))
		s.ask(s.make("/meta/disconnect"))
	}
	s.id = nobody
	s.ask(s.make("/lab/x", "data", 1), s.make("/meta/subscribe", "subscription", "/lab/x"), s.hold(0))
}

// nameless: messages without the clientId of the session.
func nameless(s *stage) {
	s.begin("")
	s.id = ""
	s.ask(s.hold(0))
	s.ask(s.make("/meta/subscribe", "subscription", "/lab/x"))
	s.ask(s.make("/lab/x", "data", 1))
	s.ask(s.make("/meta/disconnect"))
}

// moves: a session that began by long-polling goes on on a WebSocket, and back.
func moves(s *stage) {
	s.hangUp()
	polls := newPolls(s)
	defer polls.close()
	over := func(w wire, kind string) { s.wire, s.kind = w, kind }
	over(polls, transport.LongPolling)
	s.shake()
	s.ask(s.hold(0))
	s.ask(s.make("/meta/subscribe", "subscription", "/lab/moves"))
	poll := s.start(s.hold(-1))
	s.pushed(lull)

	socket := newSocket(s)
	over(socket, transport.WebSocket)
	s.ask(s.hold(0))
	s.publish("/lab/moves", 1)
	s.pushed(lull)
	over(polls, transport.LongPolling)
	s.finish(poll, lull)
	over(socket, transport.WebSocket)
	s.start(s.hold(-1))
	s.publish("/lab/moves", 2)
	s.pushed(lull)

	// A message on the socket's session by HTTP, and the connect.
	over(polls, transport.LongPolling)
	s.ask(s.make("/lab/other", "data", 1))
	s.publish("/lab/moves", 3)
	over(socket, transport.WebSocket)
	s.pushed(lull)
	over(polls, transport.LongPolling)
	s.ask(s.hold(0))
	s.publish("/lab/moves", 4)
	s.pushed(lull)
	s.ask(s.hold(-1))
	over(socket, transport.WebSocket)
	s.pushed(lull)
	s.hangUp()

	// One that was born on a socket has no way to HTTP.
	socket = newSocket(s)
	over(socket, transport.WebSocket)
	s.shake()
	s.ask(s.hold(0))
	over(polls, transport.LongPolling)
	s.ask(s.hold(0))
	over(socket, transport.WebSocket)
}

// strangers: whose cookie is another's may not use a session.
func strangers(s *stage) {
	s.begin("/lab/x")
	id := s.id
	s.begin("")
	s.id = id
	s.ask(s.hold(0))
	s.ask(s.make("/lab/x", "data", 1))
	s.fresh() // no cookie at all
	s.ask(s.hold(0))
}

func disconnects(s *stage) {
	s.begin("")
	held := s.start(s.hold(-1))
	s.pushed(lull)
	s.sorted(func() {
		s.ask(s.make("/meta/disconnect"))
		s.finish(held, patience)
	})
	s.ask(s.hold(0))
	s.begin("")
	s.ask(s.make("/meta/disconnect"))
	s.pushed(lull)
	s.ask(s.make("/meta/disconnect"))
}

// dismissed: the server ends the session, with a connect held and without.
func dismissed(s *stage) {
	if !s.lab.Goodbyes {
		return
	}
	s.begin("/lab/x")
	held := s.start(s.hold(-1))
	s.pushed(lull)
	require.NoError(s, s.server.Disconnect())
	s.printf("* disconnect")
	s.finish(held, patience)
	s.ask(s.hold(0))

	s.begin("/lab/x")
	require.NoError(s, s.server.Disconnect())
	s.printf("* disconnect")
	s.pushed(lull)
	s.ask(s.hold(0))
}

// forgotten: the server drops the session without a word.
func forgotten(s *stage) {
	s.begin("/lab/x")
	require.NoError(s, s.server.Forget())
	s.printf("* forget")
	s.pushed(lull)
	s.ask(s.hold(0))
}

// expiry: how long a session lives without a connect.
func expiry(s *stage) {
	s.begin("")
	s.rest(ShortLife / 2)
	s.ask(s.hold(0))
	s.rest(5 * ShortLife)
	s.ask(s.hold(0))

	// It asks for 5 s more, and then no longer.
	lease := word{"timeout": 0, "interval": 5000}
	s.begin("")
	s.ask(s.make("/meta/connect", "advice", lease))
	s.rest(ShortLife*2 + time.Second)
	s.ask(s.hold(0))
	s.rest(ShortLife*2 + time.Second)
	s.ask(s.hold(0))
}

// shutdown: the server stops while a connect is held.
func shutdown(s *stage) {
	s.begin("")
	held := s.start(s.hold(-1))
	s.pushed(lull)
	require.NoError(s, s.server.Stop())
	s.printf("* stop")
	s.finish(held, patience+Timeout)
	s.pushed(lull)
}
