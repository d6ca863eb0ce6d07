package client

import (
	"context"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/turold/turold/bayeux"
	"github.com/turold/turold/transport"
)

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
