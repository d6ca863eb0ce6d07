package client

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/turold/turold/bayeux"
	"github.com/turold/turold/transport"
)

// connected bubble: the first connect is out on a leg of its own.
func steady(t *testing.T, o *Options, f func(c *Client, p *pipe)) {
	t.Helper()
	bubble(t, o, acked, func(c *Client, p *pipe) {
		time.Sleep(firstConnectDelay)
		p.hold(exchange())
		f(c, p)
	})
}

func outcome(t *testing.T, err error) *OutcomeError {
	t.Helper()
	var o *OutcomeError
	require.ErrorAs(t, err, &o)
	return o
}

func TestWhatDidNotLeaveLeavesAgainInItsOrder(t *testing.T) {
	steady(t, nil, func(c *Client, p *pipe) {
		var rs []*Receipt
		for i := range 3 {
			r, err := c.Send(context.Background(), Draft{Channel: "/a", Data: i})
			require.NoError(t, err)
			rs = append(rs, r)
		}
		l := exchange()
		before := p.draw(transport.LaneCommands, l)
		_, err := c.Send(context.Background(), Draft{Channel: "/a", Data: 3})
		require.NoError(t, err)
		p.end(l, &transport.Error{Op: "dial", Unsent: true, Err: errors.New("refused")})
		require.Empty(t, p.draw(transport.LaneCommands, exchange()), "a pause")
		time.Sleep(maxFirstPause)
		l = exchange()
		after := p.draw(transport.LaneCommands, l)
		require.True(t, strings.HasPrefix(after, strings.TrimSuffix(before, "]")), "%s\n%s", before, after)
		require.Contains(t, after, `"data":3`)
		p.end(l, reset(false))
		for _, r := range rs {
			require.True(t, outcome(t, r.Wait(context.Background())).Sent)
		}
	})
}

func TestAtLeastOnceLeavesAgain(t *testing.T) {
	steady(t, nil, func(c *Client, p *pipe) {
		r, err := c.Send(context.Background(), Draft{Channel: "/a", Data: 1, AtLeastOnce: true})
		require.NoError(t, err)
		l := exchange()
		p.draw(transport.LaneCommands, l)
		p.end(l, reset(false))
		time.Sleep(maxFirstPause)
		l = exchange()
		b := p.draw(transport.LaneCommands, l)
		p.say(l, batch(reply("/a", idOf(t, b, "/a"))))
		require.NoError(t, r.Wait(context.Background()))
	})
}

func TestPublishWhoseContextEndedBeforeItLeftNeverLeaves(t *testing.T) {
	steady(t, nil, func(c *Client, p *pipe) {
		err := c.Publish(within(time.Second), "/a", 1)
		require.False(t, outcome(t, err).Sent)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.Empty(t, p.draw(transport.LaneCommands, exchange()))

		done := make(chan error, 1)
		go func() { done <- c.Publish(within(time.Second), "/a", 1) }()
		require.NotEmpty(t, p.draw(transport.LaneCommands, exchange()))
		require.True(t, outcome(t, <-done).Sent)
	})
}

func TestServersWordIsTheOutcome(t *testing.T) {
	steady(t, nil, func(c *Client, p *pipe) {
		for _, row := range []struct {
			answer string
			is     error
		}{
			{`{"channel":"/a","id":%q,"successful":false,"error":"403:denied_by_security_policy:publish_denied"}`, bayeux.ErrForbidden},
			{`{"channel":"/a","id":%q,"successful":true}`, nil},
		} {
			done := make(chan error, 1)
			go func() { done <- c.Publish(context.Background(), "/a", 1) }()
			l := exchange()
			b := p.draw(transport.LaneCommands, l)
			p.say(l, batch(fmt.Sprintf(row.answer, idOf(t, b, "/a"))))
			require.ErrorIs(t, <-done, row.is)
		}
		// Neither another channel's reply nor an event with the id is an answer.
		done := make(chan error, 1)
		go func() { done <- c.Publish(context.Background(), "/a", 1) }()
		l := exchange()
		id := idOf(t, p.draw(transport.LaneCommands, l), "/a")
		p.say(l, batch(reply("/b", id), `{"channel":"/a","id":"`+id+`","data":1}`))
		require.True(t, outcome(t, <-done).Sent)
	})
}

func TestLateCommandOnASocketSettlesAlone(t *testing.T) {
	steady(t, nil, func(c *Client, p *pipe) {
		l := socket()
		done := make(chan error, 1)
		go func() { done <- c.Publish(context.Background(), "/a", 1) }()
		p.draw(transport.LaneCommands, l)
		err := <-done
		require.ErrorIs(t, err, ErrNoReply)
		require.NoError(t, p.cutOf(l.ID))

		e := exchange()
		go func() { done <- c.Publish(context.Background(), "/a", 1) }()
		p.draw(transport.LaneCommands, e)
		time.Sleep(10 * time.Second)
		require.ErrorIs(t, p.cutOf(e.ID), ErrNoReply, "late on an exchange means to cut it")
		p.end(e, &transport.Error{Op: "cut", Err: ErrNoReply})
		require.ErrorIs(t, <-done, ErrNoReply)
	})
}

func TestRemoteCall(t *testing.T) {
	result, ack := `{"data":{"q":1},"channel":"/service/rpc","id":%[1]q,"successful":true}`, `{"channel":"/service/rpc","id":%[1]q,"successful":true}`
	refused := `{"channel":"/service/rpc","id":%[1]q,"successful":false,"error":"404::no such method"}`
	for _, answers := range [][]string{{result, ack}, {ack, result}, {refused}, {ack, refused}} {
		steady(t, nil, func(c *Client, p *pipe) {
			done := make(chan error, 1)
			var got bayeux.Message
			go func() {
				m, err := c.Call(context.Background(), "rpc", map[string]int{"q": 1})
				got = m
				done <- err
			}()
			l := exchange()
			id := idOf(t, p.draw(transport.LaneCommands, l), "/service/rpc")
			p.say(l, batch(strings.Split(fmt.Sprintf(strings.Join(answers, "\n"), id), "\n")...))
			err := <-done
			if answers[len(answers)-1] == refused {
				require.ErrorIs(t, err, bayeux.ErrMalformed)
				return
			}
			require.NoError(t, err)
			require.JSONEq(t, `{"q":1}`, string(got.Data))
		})
	}
}

// TestRemoteCallAnsweredByTheOtherLane: CometD may put the reply with the data
// into the response of the connect that is held.
func TestRemoteCallAnsweredByTheOtherLane(t *testing.T) {
	bubble(t, nil, acked, func(c *Client, p *pipe) {
		time.Sleep(firstConnectDelay)
		held := exchange()
		connect := p.hold(held)
		done := make(chan error, 1)
		go func() {
			_, err := c.Call(context.Background(), "rpc", 1)
			done <- err
		}()
		l := exchange()
		id := idOf(t, p.draw(transport.LaneCommands, l), "/service/rpc")
		p.say(l, batch(reply("/service/rpc", id)))
		synctest.Wait()
		require.Empty(t, done)
		p.say(held, batch(reply("/service/rpc", id, `"data":2`), reply(bayeux.MetaConnect, connect)))
		require.NoError(t, <-done)
	})
}

func TestOutboxIsBounded(t *testing.T) {
	steady(t, &Options{Outbox: Bound{Messages: 2}}, func(c *Client, p *pipe) {
		for i := range 2 {
			_, err := c.Send(context.Background(), Draft{Channel: "/a", Data: i})
			require.NoError(t, err)
		}
		_, err := c.Send(within(time.Second), Draft{Channel: "/a", Data: 2})
		require.False(t, outcome(t, err).Sent)
		sent := make(chan error, 1)
		go func() {
			_, err := c.Send(context.Background(), Draft{Channel: "/a", Data: 3})
			sent <- err
		}()
		l := exchange()
		p.draw(transport.LaneCommands, l)
		p.end(l, nil) // neither is answered
		require.NoError(t, <-sent)
		require.ErrorIs(t, c.Flush(within(time.Second)), context.DeadlineExceeded)
		p.draw(transport.LaneCommands, exchange())
	})
}

func TestBatchStaysTogether(t *testing.T) {
	steady(t, nil, func(c *Client, p *pipe) {
		l := exchange()
		l.Limit = 1200
		data := strings.Repeat("x", 200)
		_, err := c.Send(context.Background(), Draft{Channel: "/alone", Data: data})
		require.NoError(t, err)
		_, err = c.Batch(context.Background(), Draft{Channel: "/a", Data: data}, Draft{Channel: "/b", Data: data}, Draft{Channel: "/c", Data: data})
		require.NoError(t, err)
		first := p.draw(transport.LaneCommands, l)
		require.Contains(t, first, "/alone")
		require.NotContains(t, first, "/a\"", "the batch would not fit whole")
		second := p.draw(transport.LaneCommands, l)
		for _, ch := range []bayeux.Channel{"/a", "/b", "/c"} {
			idOf(t, second, ch)
		}
		_, err = c.Batch(context.Background(), Draft{Channel: "/a", Data: 1}, Draft{Channel: "/meta/connect"})
		require.Error(t, err)
		require.Empty(t, p.draw(transport.LaneCommands, l), "all or none")
	})
}

func TestRawDataGoesByteForByte(t *testing.T) {
	steady(t, nil, func(c *Client, p *pipe) {
		raw := json.RawMessage(`{ "a" : 1.0e2, "a":"<&>" }`)
		_, err := c.Send(context.Background(), Draft{Channel: "/a", Data: raw})
		require.NoError(t, err)
		require.Contains(t, p.draw(transport.LaneCommands, exchange()), string(raw))
		for _, bad := range []any{json.RawMessage(`{`), json.RawMessage("\"\xff\""), notText{}} { // what is not UTF-8 would end the WebSocket
			_, err = c.Send(context.Background(), Draft{Channel: "/a", Data: bad})
			require.Error(t, err)
		}
		require.Empty(t, p.draw(transport.LaneCommands, exchange()))
	})
}

// notText marshals itself to what is JSON for encoding/json, and no UTF-8.
type notText struct{}

func (notText) MarshalJSON() ([]byte, error) { return []byte("\"\xff\""), nil }

func TestSameChannelTwiceIsOneSubscriptionOfTheServer(t *testing.T) {
	steady(t, nil, func(c *Client, p *pipe) {
		one := p.subscribe(c, "/a", nil, exchange())
		two, err := c.Subscribe(context.Background(), "/a", nil)
		require.NoError(t, err)
		wild := p.subscribe(c, "/**", nil, exchange())
		local, err := c.Listen("/service/x", nil)
		require.NoError(t, err)
		l := exchange()
		id := p.hold(l)
		p.say(l, batch(event("/a", "1"), event("/b/c", "2"), event("/service/x", "3"), reply(bayeux.MetaConnect, id)))
		require.Equal(t, []string{"1"}, pulled(one))
		require.Equal(t, []string{"1"}, pulled(two))
		require.Equal(t, []string{"1", "2", "3"}, pulled(wild))
		require.Equal(t, []string{"3"}, pulled(local))
		require.NoError(t, one.Unsubscribe(context.Background()))
		require.Empty(t, p.draw(transport.LaneCommands, exchange()))
		gone := make(chan error, 1)
		go func() { gone <- two.Unsubscribe(context.Background()) }()
		l = exchange()
		b := p.draw(transport.LaneCommands, l)
		require.Contains(t, b, `"channel":"/meta/unsubscribe"`)
		p.say(l, batch(reply(bayeux.MetaUnsubscribe, idOf(t, b, bayeux.MetaUnsubscribe))))
		require.NoError(t, <-gone)
		require.Equal(t, []string{"error: " + ErrUnsubscribed.Error()}, pulled(two))
	})
}

func TestRefusedSubscription(t *testing.T) {
	steady(t, nil, func(c *Client, p *pipe) {
		other := p.subscribe(c, "/b", nil, exchange())
		done := make(chan error, 1)
		go func() {
			_, err := c.Subscribe(context.Background(), "/a", nil)
			done <- err
		}()
		l := exchange()
		b := p.draw(transport.LaneCommands, l)
		p.say(l, batch(`{"channel":"/meta/subscribe","id":"`+idOf(t, b, bayeux.MetaSubscribe)+`","subscription":"/a","successful":false,"error":"403:denied_by_security_policy:subscribe_denied"}`))
		require.ErrorIs(t, <-done, bayeux.ErrForbidden)
		require.Empty(t, pulled(other))
	})
}

func TestRefusedInALaterSessionIsToldToItsOwner(t *testing.T) {
	bubble(t, nil, acked, func(c *Client, p *pipe) {
		a := p.subscribe(c, "/a", nil, exchange())
		b := p.subscribe(c, "/b", nil, exchange())
		l := exchange()
		id := p.hold(l)
		p.say(l, `[{"advice":{"reconnect":"handshake"},"channel":"/meta/connect","id":"`+id+`","error":"402::session_unknown","successful":false}]`)
		time.Sleep(maxFirstPause)
		p.grant("c2", acked)
		l = exchange()
		ms, err := bayeux.Decode([]byte(p.draw(transport.LaneCommands, l)), bayeux.Limits{})
		require.NoError(t, err)
		var answers []string
		for _, m := range ms {
			switch {
			case m.Channel == bayeux.MetaConnect:
				answers = append(answers, reply(m.Channel, m.ID))
			case m.Meta.Subscription[0] == "/a":
				answers = append(answers, `{"channel":"/meta/subscribe","id":"`+m.ID+`","successful":false,"error":"403::no"}`)
			default:
				answers = append(answers, reply(m.Channel, m.ID))
			}
		}
		p.say(l, batch(answers...))
		require.Equal(t, []string{"gap: new session"}, pulled(b))
		got := pulled(a)
		require.Len(t, got, 2)
		require.Contains(t, got[1], "403::no")
	})
}

func TestDialTellsWhatFailed(t *testing.T) {
	refusal := `[{"channel":"/meta/handshake","id":%q,"successful":false,"error":"403::handshake_denied","advice":{"reconnect":"none"}}]`
	for name, row := range map[string]struct {
		answer func(p *pipe, l transport.Leg, id string)
		check  func(t *testing.T, err error)
	}{
		"refused": {func(p *pipe, l transport.Leg, id string) { p.say(l, fmt.Sprintf(refusal, id)) },
			func(t *testing.T, err error) { require.ErrorIs(t, err, bayeux.ErrUnauthorized) }},
		"not reached": {func(p *pipe, l transport.Leg, _ string) { p.end(l, reset(true)) },
			func(t *testing.T, err error) {
				var e *transport.Error
				require.ErrorAs(t, err, &e)
			}},
		"no clientId": {func(p *pipe, l transport.Leg, id string) { p.say(l, batch(reply(bayeux.MetaHandshake, id))) },
			func(t *testing.T, err error) { require.ErrorIs(t, err, errNoID) }},
		"mute": {func(p *pipe, l transport.Leg, _ string) {
			time.Sleep(10 * time.Second)
			require.ErrorIs(p.t, p.cutOf(l.ID), ErrNoReply)
			p.end(l, &transport.Error{Op: "cut", Err: ErrNoReply})
		}, func(t *testing.T, err error) { require.ErrorIs(t, err, ErrNoReply) }},
		"caller's time": {func(*pipe, transport.Leg, string) {}, func(t *testing.T, err error) { require.ErrorIs(t, err, context.DeadlineExceeded) }},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := &pipe{t: t, cuts: map[transport.LegID]error{}}
				d := &Dialer{Open: func(_ *transport.SessionConfig, h transport.Handler) transport.Transport { p.h = h; return p }}
				done := make(chan error, 1)
				go func() {
					_, err := d.Dial(within(time.Minute), "http://server/cometd?token=secret", nil)
					done <- err
				}()
				l := exchange()
				b := p.draw(transport.LaneCommands, l)
				row.answer(p, l, idOf(t, b, bayeux.MetaHandshake))
				err := <-done
				row.check(t, err)
				require.NotContains(t, err.Error(), "secret")
				require.Zero(t, d.Stats().Sessions)
			})
		})
	}
}

func TestKeepDialingGoesOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &pipe{t: t, cuts: map[transport.LegID]error{}}
		d := &Dialer{Open: func(_ *transport.SessionConfig, h transport.Handler) transport.Transport { p.h = h; return p }}
		done := make(chan error, 1)
		go func() {
			c, err := d.Dial(within(time.Minute), "http://server/", &Options{KeepDialing: true})
			if err == nil {
				_ = c.Close()
			}
			done <- err
		}()
		for range 5 {
			l := exchange()
			require.NotEmpty(t, p.draw(transport.LaneCommands, l))
			p.end(l, reset(true))
			time.Sleep(3 * time.Second)
		}
		p.grant("c", "")
		require.NoError(t, <-done)
	})
}

func TestCredentials(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &pipe{t: t, cuts: map[transport.LegID]error{}}
		var s *transport.SessionConfig
		d := &Dialer{Open: func(ts *transport.SessionConfig, h transport.Handler) transport.Transport { s, p.h = ts, h; return p }}
		var mu sync.Mutex
		var asked []bool
		hook := func(_ context.Context, refused *Credential) (*Credential, error) {
			mu.Lock()
			defer mu.Unlock()
			asked = append(asked, refused != nil)
			n := fmt.Sprint(len(asked))
			return &Credential{URL: "https://other/" + n, Header: http.Header{"Authorization": {"Bearer " + n}}, Ext: map[string]string{"n": n}, Expires: time.Now().Add(time.Hour)}, nil
		}
		done := make(chan *Client, 1)
		go func() {
			c, err := d.Dial(context.Background(), "http://server/", &Options{Credentials: hook})
			require.NoError(t, err)
			done <- c
		}()
		l := exchange()
		b := p.draw(transport.LaneCommands, l)
		require.Contains(t, b, `"n":"1"`)
		p.say(l, fmt.Sprintf(`[{"channel":"/meta/handshake","id":%q,"successful":false,"error":"401::expired","advice":{"reconnect":"none"}}]`, idOf(t, b, bayeux.MetaHandshake)))
		p.grant("c", "")
		c := <-done
		mu.Lock()
		require.Equal(t, []bool{false, true}, asked)
		mu.Unlock()
		require.Equal(t, "Bearer 2", s.Target().Header.Get("Authorization"))
		require.Equal(t, "https://other/2", s.Target().URL.String())
		time.Sleep(time.Hour - time.Minute)
		synctest.Wait()
		mu.Lock()
		defer mu.Unlock()
		require.Equal(t, []bool{false, true, false}, asked, "renewed before it expires")
		require.Equal(t, "Bearer 3", s.Target().Header.Get("Authorization"))
		require.NoError(t, c.Close())
	})
}

func TestCredentialsThatCannotBeMendedEndTheSession(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &pipe{t: t, cuts: map[transport.LegID]error{}}
		d := &Dialer{Open: func(_ *transport.SessionConfig, h transport.Handler) transport.Transport { p.h = h; return p }}
		broken := errors.New("the vault is shut")
		done := make(chan error, 1)
		go func() {
			_, err := d.Dial(context.Background(), "http://server/", &Options{Credentials: func(context.Context, *Credential) (*Credential, error) { return nil, broken }})
			done <- err
		}()
		require.ErrorIs(t, <-done, broken)
	})
}

func TestDisconnectSaysGoodbyeLast(t *testing.T) {
	steady(t, nil, func(c *Client, p *pipe) {
		_, err := c.Send(context.Background(), Draft{Channel: "/a", Data: 1})
		require.NoError(t, err)
		done := make(chan error, 1)
		go func() { done <- c.Disconnect(context.Background()) }()
		l := exchange()
		b := p.draw(transport.LaneCommands, l)
		require.Regexp(t, `/a.*/meta/disconnect`, b)
		require.ErrorIs(t, c.Publish(context.Background(), "/a", 2), ErrClosed)
		p.say(l, batch(reply("/a", idOf(t, b, "/a")), reply(bayeux.MetaDisconnect, idOf(t, b, bayeux.MetaDisconnect))))
		require.NoError(t, <-done)
		require.ErrorIs(t, c.Err(), ErrClosed)
		require.Equal(t, StateClosed, c.Status().State)
	})
}

func TestDisconnectIsBounded(t *testing.T) {
	steady(t, nil, func(c *Client, p *pipe) {
		go func() { p.draw(transport.LaneCommands, exchange()) }()
		require.ErrorIs(t, c.Disconnect(within(2*time.Second)), context.DeadlineExceeded)
	})
}

// TestDisconnectWithoutAConnection: nobody is there to hear the goodbye, and
// the error says so.
func TestDisconnectWithoutAConnection(t *testing.T) {
	steady(t, &Options{Backoff: func(int, time.Duration) time.Duration { return time.Hour }}, func(c *Client, p *pipe) {
		l := socket()
		p.hold(l)
		p.end(l, reset(false))
		require.Equal(t, StateWaiting, c.Status().State)
		err := c.Disconnect(context.Background())
		var op *OpError
		require.ErrorAs(t, err, &op)
		require.Equal(t, "disconnect", op.Op)
		require.False(t, outcome(t, err).Sent)
		require.ErrorContains(t, err, "connection reset")
		require.ErrorIs(t, c.Err(), ErrClosed)
		require.NoError(t, c.Disconnect(context.Background()), "it is closed")
	})
}

// TestWhatMayHaveArrivedIsNeverCalledNotTaken: a message left and its leg died;
// whatever becomes of the tries after that, it may have arrived.
func TestWhatMayHaveArrivedIsNeverCalledNotTaken(t *testing.T) {
	refusal := `[{"channel":"/a","id":%q,"successful":false,"error":"403:no:publish_denied"}]`
	for name, row := range map[string]struct {
		later func(t *testing.T, c *Client, p *pipe)
		cause error
	}{
		"Close":      {func(t *testing.T, c *Client, _ *pipe) { require.NoError(t, c.Close()) }, ErrClosed},
		"Disconnect": {func(_ *testing.T, c *Client, _ *pipe) { _ = c.Disconnect(within(time.Second)) }, ErrClosed},
		"Drain":      {func(_ *testing.T, c *Client, _ *pipe) { _ = c.dialer.Drain(within(time.Second)) }, ErrClosed},
		"a refusal": {func(t *testing.T, _ *Client, p *pipe) {
			l := exchange()
			p.say(l, fmt.Sprintf(refusal, idOf(t, p.draw(transport.LaneCommands, l), "/a")))
		}, bayeux.ErrForbidden},
		"its size": {func(t *testing.T, _ *Client, p *pipe) {
			for range 2 {
				l := exchange()
				id := idOf(t, p.draw(transport.LaneCommands, l), "/a")
				p.end(l, &transport.Error{Op: "status", Status: 413, TooLarge: []string{id}, Err: errors.New("too large")})
				time.Sleep(time.Second)
			}
		}, nil},
		"not reached, and Close": {func(t *testing.T, c *Client, p *pipe) {
			l := exchange()
			p.draw(transport.LaneCommands, l)
			p.end(l, reset(true))
			require.NoError(t, c.Close())
		}, ErrClosed},
		"unknown sessions": {func(t *testing.T, _ *Client, p *pipe) {
			for n := range 3 {
				l := exchange()
				b := p.draw(transport.LaneCommands, l)
				if b == "" {
					return
				}
				p.say(l, fmt.Sprintf(`[{"channel":"/a","id":%q,"successful":false,"error":"402::session_unknown"}]`, idOf(t, b, "/a")))
				time.Sleep(time.Second)
				p.grant(fmt.Sprint("d", n), acked)
			}
		}, bayeux.ErrUnknownSession},
	} {
		t.Run(name, func(t *testing.T) {
			steady(t, nil, func(c *Client, p *pipe) {
				p.t = t
				r, err := c.Send(context.Background(), Draft{Channel: "/a", Data: 1, AtLeastOnce: true})
				require.NoError(t, err)
				l := exchange()
				p.draw(transport.LaneCommands, l)
				p.end(l, reset(false))
				time.Sleep(maxFirstPause)
				row.later(t, c, p)
				err = r.Wait(within(time.Minute))
				require.True(t, outcome(t, err).Sent, "%v", err)
				if row.cause != nil {
					require.ErrorIs(t, err, row.cause)
				}
			})
		})
	}
}

// TestPublishWhoseCallerHasGoneLeavesNoMore: the caller was told that the outcome
// is unknown, and does not expect it to be published in an hour.
func TestPublishWhoseCallerHasGoneLeavesNoMore(t *testing.T) {
	steady(t, nil, func(c *Client, p *pipe) {
		done := make(chan error, 1)
		go func() { done <- c.Publish(within(time.Second), "/a", 1) }()
		l := exchange()
		require.NotEmpty(t, p.draw(transport.LaneCommands, l))
		require.True(t, outcome(t, <-done).Sent)
		p.end(l, reset(true))
		time.Sleep(time.Minute)
		require.Empty(t, p.draw(transport.LaneCommands, exchange()))
	})
}

// TestFlushTellsWhatWasSettledBefore: each refusal of what was sent since the last
// Flush is told once, whenever it came.
func TestFlushTellsWhatWasSettledBefore(t *testing.T) {
	steady(t, nil, func(c *Client, p *pipe) {
		send := func(ch bayeux.Channel, answer string) {
			_, err := c.Send(context.Background(), Draft{Channel: ch, Data: 1})
			require.NoError(t, err)
			l := exchange()
			p.say(l, fmt.Sprintf(answer, ch, idOf(t, p.draw(transport.LaneCommands, l), ch)))
		}
		good, bad := `[{"channel":%q,"id":%q,"successful":true}]`, `[{"channel":%q,"id":%q,"successful":false,"error":"403:no:publish_denied"}]`
		flushed := func(ch bayeux.Channel) {
			t.Helper()
			err := c.Flush(within(time.Second))
			if ch == "" {
				require.NoError(t, err)
				return
			}
			require.ErrorIs(t, err, bayeux.ErrForbidden)
			var op *OpError
			require.ErrorAs(t, err, &op)
			require.Equal(t, ch, op.Channel)
		}
		send("/a", bad)
		send("/b", good)
		send("/c", bad)
		flushed("/a")
		flushed("")
		send("/d", good)
		flushed("")

		// A Flush whose time is up has told nothing.
		send("/e", bad)
		_, err := c.Send(context.Background(), Draft{Channel: "/f", Data: 1})
		require.NoError(t, err)
		require.ErrorIs(t, c.Flush(within(time.Second)), context.DeadlineExceeded)
		l := exchange()
		p.say(l, fmt.Sprintf(bad, "/f", idOf(t, p.draw(transport.LaneCommands, l), "/f")))
		flushed("/e")
		flushed("")

		// What came for a message that was sent after Flush was called is the next one's.
		_, err = c.Send(context.Background(), Draft{Channel: "/g", Data: 1})
		require.NoError(t, err)
		l = exchange()
		id := idOf(t, p.draw(transport.LaneCommands, l), "/g")
		done := make(chan error, 1)
		go func() { done <- c.Flush(context.Background()) }()
		synctest.Wait()
		send("/h", bad)
		p.say(l, fmt.Sprintf(good, "/g", id))
		require.NoError(t, <-done)
		flushed("/h")

		// Who waits for an outcome by itself has been told.
		go func() { done <- c.Publish(context.Background(), "/i", 1) }()
		l = exchange()
		p.say(l, fmt.Sprintf(bad, "/i", idOf(t, p.draw(transport.LaneCommands, l), "/i")))
		require.ErrorIs(t, <-done, bayeux.ErrForbidden)
		flushed("")
	})
}
