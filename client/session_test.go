package client

import (
	"context"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/turold/turold/bayeux"
	"github.com/turold/turold/transport"
)

func TestFirstConnectRidesWithTheFirstCommand(t *testing.T) {
	bubble(t, nil, acked, func(c *Client, p *pipe) {
		require.Empty(t, p.draw(transport.LaneConnect, exchange()), "it waits for a command")
		l := exchange()
		go func() { _, _ = c.Subscribe(context.Background(), "/a", nil) }()
		b := p.draw(transport.LaneCommands, l)
		require.Contains(t, b, `"channel":"/meta/subscribe"`)
		require.Contains(t, b, `"channel":"/meta/connect"`)
		require.Contains(t, b, `"timeout":0`)
		p.say(l, batch(reply(bayeux.MetaSubscribe, idOf(t, b, bayeux.MetaSubscribe)), reply(bayeux.MetaConnect, idOf(t, b, bayeux.MetaConnect), `"ext":{"ack":1}`)))
		require.Equal(t, StateConnected, c.Status().State)
		require.True(t, p.woken(transport.LaneConnect))
		held := p.draw(transport.LaneConnect, exchange())
		require.Contains(t, held, `"ext":{"ack":1}`)
		require.NotContains(t, held, `"timeout"`, "the server's own hold is short enough")
		require.Contains(t, held, `"interval":30000`, "the lease")
	})
}

func TestFirstConnectLeavesAlone(t *testing.T) {
	bubble(t, nil, acked, func(c *Client, p *pipe) {
		p.woken(transport.LaneConnect)
		time.Sleep(firstConnectDelay)
		require.True(t, p.woken(transport.LaneConnect))
		l := socket()
		require.NotEmpty(t, p.draw(transport.LaneConnect, l))
		require.Empty(t, p.draw(transport.LaneConnect, l), "one is out")
		require.NotEmpty(t, p.draw(transport.LaneConnect, socket()), "another leg takes it over")
	})
}

func TestEveryMessageWhereverTheConnectReplyStands(t *testing.T) {
	for name, order := range map[string][]int{"last": {0, 1, 2, 3}, "first": {3, 0, 1, 2}, "between": {0, 3, 1, 2}} {
		for _, ext := range []string{acked, ""} {
			t.Run(name+ext, func(t *testing.T) {
				bubble(t, nil, ext, func(c *Client, p *pipe) {
					s := p.subscribe(c, "/a", nil, exchange())
					l := exchange()
					id := p.hold(l)
					all := []string{event("/a", "1"), event("/a", "false"), event("/a", "null"), reply(bayeux.MetaConnect, id, `"ext":{"ack":2}`)}
					var ms []string
					for _, i := range order {
						ms = append(ms, all[i])
					}
					p.say(l, batch(ms...))
					require.Equal(t, []string{"1", "false", "null"}, pulled(s))
				})
			})
		}
	}
}

func TestEventsOnCommandReplies(t *testing.T) {
	for _, ext := range []string{acked, ""} {
		bubble(t, nil, ext, func(c *Client, p *pipe) {
			s := p.subscribe(c, "/a", nil, exchange())
			p.hold(exchange())
			done := make(chan error, 1)
			go func() { done <- c.Publish(context.Background(), "/a", 7) }()
			l := exchange()
			b := p.draw(transport.LaneCommands, l)
			p.say(l, batch(event("/a", "7"), reply("/a", idOf(t, b, "/a")), event("/a", "8")))
			require.NoError(t, <-done)
			require.Equal(t, []string{"7", "8"}, pulled(s))
		})
	}
}

// TestReplyOnALegThatIsCutAcknowledgesNothing: an answer may be on its way up in
// the moment in which its leg is given up. Its events are dropped, and come again,
// if nobody says that they came.
func TestReplyOnALegThatIsCutAcknowledgesNothing(t *testing.T) {
	for name, leg := range map[string]func() transport.Leg{"exchange": exchange, "socket": socket} {
		t.Run(name, func(t *testing.T) {
			bubble(t, nil, acked, func(c *Client, p *pipe) {
				s := p.subscribe(c, "/a", nil, exchange())
				l := leg()
				id := p.hold(l)
				time.Sleep(unadvisedHold + time.Minute)
				require.ErrorIs(t, p.cutOf(l.ID), ErrNoReply)
				p.say(l, batch(event("/a", "1"), reply(bayeux.MetaConnect, id, `"ext":{"ack":5}`)))
				p.end(l, &transport.Error{Op: "cut", Err: ErrNoReply})
				time.Sleep(maxFirstPause)
				l = leg()
				b := p.draw(transport.LaneConnect, l)
				require.NotContains(t, b, `"ack":5`)
				p.say(l, batch(event("/a", "1"), reply(bayeux.MetaConnect, idOf(t, b, bayeux.MetaConnect), `"ext":{"ack":6}`)))
				require.Equal(t, []string{"1"}, pulled(s))
			})
		})
	}
}

// On a socket CometD sends a batch as one frame an event and the reply last.
func TestAckHoldsEventsForTheReplyThatNamesThem(t *testing.T) {
	bubble(t, nil, acked, func(c *Client, p *pipe) {
		l := socket()
		s := p.subscribe(c, "/a", nil, l)
		id := p.hold(l)
		p.say(l, batch(event("/a", "1")))
		p.say(l, batch(event("/a", "2")))
		require.Empty(t, pulled(s))
		p.say(l, batch(reply(bayeux.MetaConnect, id, `"ext":{"ack":5}`)))
		require.Equal(t, []string{"1", "2"}, pulled(s))

		b := p.draw(transport.LaneConnect, l)
		require.Contains(t, b, `"ext":{"ack":5}`)
		p.say(l, batch(event("/a", "3")))
		p.end(l, reset(false))
		require.Empty(t, pulled(s), "it comes again")
		time.Sleep(maxFirstPause)
		l = socket()
		b = p.draw(transport.LaneConnect, l)
		require.Contains(t, b, `"ext":{"ack":5}`)
		require.Contains(t, b, `"timeout":0`, "a connect without a reply: ask soon")
		id = idOf(t, b, bayeux.MetaConnect)
		p.say(l, batch(event("/a", "3")))
		p.say(l, batch(reply(bayeux.MetaConnect, id, `"ext":{"ack":6}`)))
		require.Equal(t, []string{"3"}, pulled(s), "no gap: nothing is lost")
	})
}

func TestAckOnlyGrows(t *testing.T) {
	bubble(t, nil, acked, func(c *Client, p *pipe) {
		s := p.subscribe(c, "/a", nil, exchange())
		for _, step := range []struct{ told, next, got string }{{"4", "4", "1"}, {"3", "4", ""}, {`"x"`, "4", "1"}, {"9", "9", "1"}} {
			l := exchange()
			id := p.hold(l)
			p.say(l, batch(event("/a", "1"), reply(bayeux.MetaConnect, id, `"ext":{"ack":`+step.told+`}`)))
			l = exchange()
			b := p.draw(transport.LaneConnect, l)
			require.Contains(t, b, `"ext":{"ack":`+step.next+`}`)
			p.say(l, batch(reply(bayeux.MetaConnect, idOf(t, b, bayeux.MetaConnect), `"ext":{"ack":`+step.next+`}`)))
			got := ""
			for _, m := range pulled(s) {
				got += m
			}
			require.Equal(t, step.got, got, "told %s", step.told)
		}
	})
}

func TestGapWhereAConnectionDiedWithoutAck(t *testing.T) {
	bubble(t, nil, "", func(c *Client, p *pipe) {
		l := socket()
		s := p.subscribe(c, "/a", nil, l)
		p.hold(l)
		p.say(l, batch(event("/a", "1")))
		p.end(l, reset(false))
		time.Sleep(maxFirstPause)
		l = socket()
		p.hold(l)
		p.say(l, batch(event("/a", "2")))
		require.Equal(t, []string{"1", "gap: connection lost", "2"}, pulled(s))
	})
}

// TestGapOnBothSidesOfWhatWasOut: a request dies while a poll is out. What the
// server wrote into the dead one may be older than what the poll brings, or newer.
func TestGapOnBothSidesOfWhatWasOut(t *testing.T) {
	bubble(t, nil, "", func(c *Client, p *pipe) {
		s := p.subscribe(c, "/a", nil, exchange())
		poll := exchange()
		id := p.hold(poll)
		go func() { _ = c.Publish(context.Background(), "/b", 1) }()
		l := exchange()
		p.draw(transport.LaneCommands, l)
		p.end(l, reset(false))
		time.Sleep(maxFirstPause)
		p.say(poll, batch(event("/a", "1"), event("/a", "2"), reply(bayeux.MetaConnect, id)))
		p.end(poll, nil)
		next := exchange()
		id = p.hold(next)
		p.say(next, batch(event("/a", "4"), reply(bayeux.MetaConnect, id)))
		require.Equal(t, []string{"gap: connection lost", "1", "2", "gap: connection lost", "4"}, pulled(s))
	})
}

// TestGapUntilTheSessionHasMoved: the server writes to a connection that is dead
// until another connect has reached it, and answers commands meanwhile, whose
// answers bring events.
func TestGapUntilTheSessionHasMoved(t *testing.T) {
	for name, leg := range map[string]func() transport.Leg{"long-polling": exchange, "a WebSocket": socket} {
		t.Run(name, func(t *testing.T) {
			bubble(t, nil, "", func(c *Client, p *pipe) {
				s := p.subscribe(c, "/a", nil, exchange())
				dead := leg()
				p.hold(dead)
				p.end(dead, reset(false))
				time.Sleep(maxFirstPause)
				for range 2 {
					go func() { _ = c.Publish(context.Background(), "/a", 2) }()
					l := exchange()
					b := p.draw(transport.LaneCommands, l)
					p.say(l, batch(event("/a", "2"), reply("/a", idOf(t, b, "/a"))))
				}
				l := leg()
				id := p.hold(l) // before the server has it, it writes an event to the dead one
				p.say(l, batch(event("/a", "4"), event("/a", "5"), reply(bayeux.MetaConnect, id)))
				l = leg()
				id = p.hold(l)
				p.say(l, batch(event("/a", "6"), reply(bayeux.MetaConnect, id)))
				const gap = "gap: connection lost"
				require.Equal(t, []string{gap, "2", gap, "2", gap, "4", "5", "6"}, pulled(s))
			})
		})
	}
}

// TestOneGapForALostAnswer: a request dies that carried commands alone, while a
// poll is out. What was lost came before the answers to the commands behind it.
func TestOneGapForALostAnswer(t *testing.T) {
	bubble(t, nil, "", func(c *Client, p *pipe) {
		s := p.subscribe(c, "/a", nil, exchange())
		poll := exchange()
		id := p.hold(poll)
		command := func() (transport.Leg, string) {
			go func() { _ = c.Publish(context.Background(), "/b", 1) }()
			l := exchange()
			synctest.Wait()
			return l, idOf(t, p.draw(transport.LaneCommands, l), "/b")
		}
		l, _ := command()
		p.end(l, reset(false))
		time.Sleep(maxFirstPause)
		for n := range 3 {
			l, answers := command()
			p.say(l, batch(event("/a", strconv.Itoa(n)), reply("/b", answers)))
		}
		p.say(poll, batch(event("/a", "3"), reply(bayeux.MetaConnect, id)))
		require.Equal(t, []string{"gap: connection lost", "0", "1", "2", "3"}, pulled(s))
	})
}

func TestUnknownSessionOnAnyMessageBeginsAnother(t *testing.T) {
	for _, from := range []string{"connect", "publish"} {
		t.Run(from, func(t *testing.T) {
			bubble(t, nil, acked, func(c *Client, p *pipe) {
				s := p.subscribe(c, "/a", nil, exchange())
				poll := exchange()
				id := p.hold(poll)
				done := make(chan error, 1)
				go func() { done <- c.Publish(context.Background(), "/a", 1) }()
				l := exchange()
				b := p.draw(transport.LaneCommands, l)
				if from == "connect" {
					p.say(poll, `[{"advice":{"interval":0,"reconnect":"handshake"},"channel":"/meta/connect","id":"`+id+`","error":"402::session_unknown","successful":false}]`)
					require.ErrorIs(t, p.cutOf(l.ID), errStale)
					p.end(l, &transport.Error{Op: "cut", Err: errStale})
					var outcome *OutcomeError
					require.ErrorAs(t, <-done, &outcome)
					require.True(t, outcome.Sent)
				} else {
					p.say(l, `[{"channel":"/a","id":"`+idOf(t, b, "/a")+`","error":"402::session_unknown","successful":false}]`)
					require.ErrorIs(t, p.cutOf(poll.ID), errStale)
					p.end(poll, &transport.Error{Op: "cut", Err: errStale})
				}
				time.Sleep(maxFirstPause)
				p.grant("c2", acked)
				l = exchange()
				b = p.draw(transport.LaneCommands, l)
				require.Contains(t, b, `"clientId":"c2"`)
				answers := []string{reply(bayeux.MetaSubscribe, idOf(t, b, bayeux.MetaSubscribe)), reply(bayeux.MetaConnect, idOf(t, b, bayeux.MetaConnect), `"ext":{"ack":1}`)}
				if from == "publish" {
					answers = append(answers, reply("/a", idOf(t, b, "/a")))
				}
				p.say(l, batch(answers...))
				if from == "publish" {
					require.NoError(t, <-done, "it was not taken, so it was sent again")
				}
				require.Equal(t, []string{"gap: new session"}, pulled(s))
				require.Equal(t, 2, c.Status().Session)
			})
		})
	}
}
