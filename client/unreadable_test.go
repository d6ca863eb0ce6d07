package client

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/turold/turold/bayeux"
	"github.com/turold/turold/transport"
)

// faulty are events on /a that cannot be read, as servers may be made to send.
var faulty = []string{
	`{"channel":"/a","data":NaN}`,
	`{"data":{"x":-Infinity},"channel":"/a"}`,
	`{"channel":"/a","data":01}`,
	`{"channel":"/a","data":tru}`,
	`{"channel":"/a","data":"\x"}`,
	"{\"channel\":\"/a\",\"data\":\"\x01\"}",
	"{\"channel\":\"/a\",\"data\":\"\xff\"}",
	`{"channel":"/a","data":` + strings.Repeat("[", 200) + strings.Repeat("]", 200) + `}`,
	`{"channel":"/a","data":1,"data":2}`,
	`{"channel":"/a","data":1,}`,
}

// TestMessageCostsItself: what cannot be read leaves a gap in its place where it may have belonged,
// and everything else comes, once and in order. The session lives, and goes on.
func TestMessageCostsItself(t *testing.T) {
	for _, ext := range []string{acked, ""} {
		for kind, leg := range map[string]func() transport.Leg{"exchange": exchange, "socket": socket} {
			for _, bad := range append(faulty, `{"channel":5,"data":1}`, `{"channel":"/a","channel":"/b"}`, `{nothing}`) {
				t.Run(kind+ext+bad[:9], func(t *testing.T) {
					bubble(t, nil, ext, func(c *Client, p *pipe) {
						a, b := p.subscribe(c, "/a", nil, exchange()), p.subscribe(c, "/b", nil, exchange())
						wild := p.subscribe(c, "/*", nil, exchange())
						l := leg()
						id := p.hold(l)
						p.say(l, batch(event("/a", "1"), event("/b", "2"), bad, event("/a", "3"), event("/b", "4"), reply(bayeux.MetaConnect, id, `"ext":{"ack":2}`)))
						const gap = "gap: unreadable message"
						require.Equal(t, []string{"1", gap, "3"}, pulled(a))
						require.Equal(t, []string{"1", "2", gap, "3", "4"}, pulled(wild))
						if strings.Contains(bad, `"/a"`) && !strings.Contains(bad, `"/b"`) {
							require.Equal(t, []string{"2", "4"}, pulled(b))
						} else {
							require.Equal(t, []string{"2", gap, "4"}, pulled(b))
						}
						require.Equal(t, StateConnected, c.Status().State)
						require.Equal(t, 1, c.Status().Session)
						require.Nil(t, p.cutOf(l.ID))
						next := leg()
						if ext == acked {
							require.Contains(t, p.draw(transport.LaneConnect, next), `"ext":{"ack":2}`)
						}
					})
				})
			}
		}
	}
}

// With acknowledgement the gap is of its batch: it waits as the events do, and comes again with them.
func TestGapIsHeldWithItsBatch(t *testing.T) {
	bubble(t, nil, acked, func(c *Client, p *pipe) {
		s := p.subscribe(c, "/a", nil, exchange())
		l := socket()
		p.hold(l)
		p.say(l, batch(event("/a", "1"), faulty[0]))
		require.Empty(t, pulled(s))
		p.end(l, reset(false))
		require.Empty(t, pulled(s))
		time.Sleep(time.Second)
		l = socket()
		id := p.hold(l)
		p.say(l, batch(event("/a", "1"), faulty[0], faulty[1]))
		p.say(l, batch(event("/a", "2"), reply(bayeux.MetaConnect, id, `"ext":{"ack":2}`)))
		require.Equal(t, []string{"1", "gap: unreadable message", "2"}, pulled(s), "neighbours are one")
	})
}

// The connect's reply counts and acknowledges, as far as it can be read: the batch would come again for ever.
func TestUnreadableReplyToAConnect(t *testing.T) {
	for _, tc := range []struct {
		reply        string // %s: the id
		acknowledges bool
		goes         bool // as if nothing were
	}{
		{`{"channel":"/meta/connect","id":%q,"successful":true,"ext":{"ack":2},"advice":{"interval":NaN}}`, true, true},
		{`{"channel":"/meta/connect","id":%q,"successful":true,"ext":{"ack":2},"clientId":{}}`, true, true},
		{`{"channel":"/meta/connect","id":%q,"successful":"true","ext":{"ack":2}}`, true, false},
		{`{"channel":"\x","id":%q,"successful":true,"ext":{"ack":2}}`, true, true},
		{`{"channel":"/meta/connect","successful":true,"ext":{"ack":2},"x":%q,"id":[]}`, true, true},
		{`{"channel":"/meta/connect","id":%q,"successful":true,"ext":{"ack":1,"x":NaN}}`, false, false},
	} {
		for kind, leg := range map[string]func() transport.Leg{"exchange": exchange, "socket": socket} {
			t.Run(kind+tc.reply, func(t *testing.T) {
				bubble(t, nil, acked, func(c *Client, p *pipe) {
					s := p.subscribe(c, "/a", nil, exchange())
					l := leg()
					p.say(l, batch(event("/a", "1"), fmt.Sprintf(tc.reply, p.hold(l))))
					time.Sleep(time.Second)
					p.woken(transport.LaneConnect)
					if !l.Once && !tc.goes {
						l = socket()
					}
					next := leg()
					drawn := p.draw(transport.LaneConnect, next)
					require.NotEmpty(t, drawn)
					if tc.acknowledges {
						require.Equal(t, []string{"1"}, pulled(s))
						require.Contains(t, drawn, `"ext":{"ack":2}`)
					} else {
						require.Empty(t, pulled(s))
						require.Contains(t, drawn, `"ext":{"ack":0}`)
						p.say(next, batch(event("/a", "1"), reply(bayeux.MetaConnect, idOf(t, drawn, bayeux.MetaConnect), `"ext":{"ack":1}`)))
						require.Equal(t, []string{"1"}, pulled(s), "it came again")
					}
					require.Equal(t, 1, c.Status().Session)
				})
			})
		}
	}
}

// TestNoEventIsTakenForAReply: neither an unreadable event nor an unreadable reply to something else is
// the connect's reply.
func TestNoEventIsTakenForAReply(t *testing.T) {
	for _, said := range []string{`{"channel":"/a","id":%q,"successful":true,"ext":{"ack":9},"data":NaN}`, `{"channel":"/meta/subscribe","id":%q,"subscription":5}`,
		`{"channel":"/meta/connect","id":"x%s","data":NaN}`, `{"x":NaN,"data":%q}`} {
		bubble(t, nil, acked, func(c *Client, p *pipe) {
			s := p.subscribe(c, "/a", nil, exchange())
			l := socket()
			id := p.hold(l)
			p.say(l, batch(event("/a", "1"), fmt.Sprintf(said, id)))
			require.Empty(t, pulled(s))
			p.say(l, batch(reply(bayeux.MetaConnect, id, `"ext":{"ack":2}`)))
			require.Contains(t, pulled(s), "1", said)
			require.Contains(t, p.draw(transport.LaneConnect, l), `"ext":{"ack":2}`)
		})
	}
}

// TestUselessAnswersEndInANewSession: what cannot be used comes again and again. After
// ten seconds and three connects the session begins anew and says so, if the server can be understood at all.
func TestUselessAnswersEndInANewSession(t *testing.T) {
	large := fmt.Errorf("%w: much", bayeux.ErrTooLarge)
	for _, tc := range []struct {
		name    string
		answer  func(p *pipe, l transport.Leg, id string)
		answers bool // something else is answered
		anew    bool
	}{
		{"messages that cannot be told apart", ends("decode", errors.New("x")), true, true},
		{"beyond the limits", ends("read", large), true, true},
		{"a reply that cannot be read", says(`[{"channel":"/meta/connect","id":%q,"successful":"true"}]`), true, true},
		{"a reply that acknowledges nothing", says(`[{"channel":"/meta/connect","id":%q,"successful":true,"ext":{"ack":NaN}}]`), true, true},
		{"something that may be the reply", says(`[{"x":NaN,"y":%q}]`), true, true},
		{"events, and a reply that cannot be read", says(`[{"channel":"/a","data":1},{"channel":"/meta/connect","id":%q,"successful":5}]`), false, true},
		{"nothing is understood", ends("decode", errors.New("x")), false, false},
		{"nothing but what is too large", ends("read", large), false, false},
		{"a status", ends("status", errors.New("x")), true, false},
		{"cut", ends("read", errors.New("x")), true, false},
	} {
		for _, ext := range []string{acked, ""} {
			if ext == "" && strings.HasSuffix(tc.name, "acknowledges nothing") {
				continue
			}
			t.Run(tc.name+ext, func(t *testing.T) {
				bubble(t, nil, ext, func(c *Client, p *pipe) {
					s := p.subscribe(c, "/a", nil, exchange())
					began, connects, renewed := time.Now(), 0, time.Duration(0)
					for c.clientID != "" && time.Since(began) < time.Minute {
						if p.woken(transport.LaneCommands) && c.clientID != "" {
							l := exchange()
							if b := p.draw(transport.LaneCommands, l); b != "" && tc.answers {
								require.Contains(t, b, "/meta/unsubscribe")
								p.say(l, batch(`{"channel":"/meta/unsubscribe","id":"`+idOf(t, b, bayeux.MetaUnsubscribe)+`","successful":false,"error":"400::channel_missing"}`))
							} else if b != "" {
								p.end(l, &transport.Error{Op: "decode", Err: errors.New("x")})
							}
						}
						if p.woken(transport.LaneConnect) {
							l := exchange()
							if b := p.draw(transport.LaneConnect, l); b != "" {
								connects++
								tc.answer(p, l, idOf(t, b, bayeux.MetaConnect))
							}
						}
						time.Sleep(10 * time.Millisecond)
					}
					renewed = time.Since(began)
					require.Equal(t, tc.anew, c.clientID == "")
					if !tc.anew {
						require.Equal(t, 1, c.Status().Session)
						return
					}
					require.GreaterOrEqual(t, renewed, uselessPeriod)
					require.Less(t, renewed, uselessPeriod+10*time.Second)
					require.GreaterOrEqual(t, connects, maxUselessReplies)
					_ = pulled(s)
					time.Sleep(30 * time.Second)
					p.grant("c2", ext)
					l := exchange()
					b := p.draw(transport.LaneCommands, l)
					p.say(l, batch(reply(bayeux.MetaSubscribe, idOf(t, b, bayeux.MetaSubscribe), `"subscription":"/a"`), reply(bayeux.MetaConnect, idOf(t, b, bayeux.MetaConnect))))
					require.Equal(t, []string{"gap: new session"}, pulled(s))
					require.Equal(t, StateConnected, c.Status().State)
				})
			})
		}
	}
}

func ends(op string, err error) func(*pipe, transport.Leg, string) {
	return func(p *pipe, l transport.Leg, _ string) { p.end(l, &transport.Error{Op: op, Err: err}) }
}

func says(body string) func(*pipe, transport.Leg, string) {
	return func(p *pipe, l transport.Leg, id string) { p.say(l, fmt.Sprintf(body, id)) }
}

// TestUnreadableHandshake: whoever dials hears of it at once.
func TestUnreadableHandshake(t *testing.T) {
	for _, said := range []string{`[{"channel":"/meta/handshake","id":%q,"successful":true,"clientId":NaN}]`, `[{"channel":"/meta/handshake","id":%q,"successful":1,"clientId":"c"}]`} {
		for kind, leg := range map[string]func() transport.Leg{"exchange": exchange, "socket": socket} {
			t.Run(kind, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					p := &pipe{t: t, cuts: map[transport.LegID]error{}}
					d := &Dialer{Open: func(_ *transport.SessionConfig, h transport.Handler) transport.Transport { p.h = h; return p }}
					defer d.Close()
					failed := make(chan error, 1)
					go func() {
						_, err := d.Dial(context.Background(), "http://server/", nil)
						failed <- err
					}()
					require.True(t, p.woken(transport.LaneCommands))
					l := leg()
					ms, err := bayeux.Decode(fmt.Appendf(nil, said, idOf(t, p.draw(transport.LaneCommands, l), bayeux.MetaHandshake)), bayeux.Limits{})
					require.NoError(t, err)
					p.h.Receive(l.ID, ms)
					cause := p.cutOf(l.ID)
					require.ErrorContains(t, cause, "unreadable")
					p.end(l, &transport.Error{Op: "cut", Err: cause})
					require.ErrorIs(t, <-failed, cause)
				})
			})
		}
	}
}

type watcher struct{ saw atomic.Int32 }

func (w *watcher) Outgoing(*bayeux.Message) {}
func (w *watcher) Incoming(m *bayeux.Message) {
	if m.Channel == "/a" {
		w.saw.Add(1)
	}
}

// TestExtensionsSeeNoUnreadableMessage, and the trace of the wire tells what is known of it.
func TestExtensionsSeeNoUnreadableMessage(t *testing.T) {
	w := new(watcher)
	bubble(t, &Options{Extensions: []Extension{w}}, acked, func(c *Client, p *pipe) {
		var wire []string
		c.dialer.Trace = &Trace{Wire: func(_ *Client, w Wire) { wire = append(wire, string(w.Batch)) }}
		p.subscribe(c, "/a", nil, exchange())
		l := socket()
		p.hold(l)
		p.say(l, batch(event("/a", "1"), `{"channel":"/a","id":"5","data":NaN,"ext":{"token":"secret"}}`))
		require.EqualValues(t, 1, w.saw.Load())
		require.Contains(t, wire, `[{"channel":"/a","data":1},{"channel":"/a","id":"5","ext":{"token":"***"}}]`)
	})
}
