package client

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/turold/turold/bayeux"
	"github.com/turold/turold/transport"
)

// TestListenersAreToldOfGaps: whatever becomes of the subscriptions beside it on the
// same channel, a listener hears of what it may have missed.
func TestListenersAreToldOfGaps(t *testing.T) {
	t.Run("the subscribe beside it was refused", func(t *testing.T) {
		bubble(t, nil, "", func(c *Client, p *pipe) {
			k := socket()
			p.subscribe(c, "/b", nil, k)
			done := make(chan error, 1)
			go func() {
				_, err := c.Subscribe(context.Background(), "/service/a", nil)
				done <- err
			}()
			synctest.Wait()
			b := p.draw(transport.LaneCommands, k)
			l, err := c.Listen("/service/a", nil)
			require.NoError(t, err)
			p.say(k, `[{"channel":"/meta/subscribe","id":"`+idOf(t, b, bayeux.MetaSubscribe)+`","subscription":"/service/a","successful":false,"error":"403::subscription_denied"}]`)
			require.Error(t, <-done)
			p.hold(k)
			p.end(k, reset(false))
			time.Sleep(time.Second)
			k = socket()
			id := p.hold(k)
			p.say(k, batch(reply(bayeux.MetaConnect, id)))
			require.NotEmpty(t, pulled(l), "a connection was lost")
		})
	})
	t.Run("the subscription beside it left before it was asked for anew", func(t *testing.T) {
		bubble(t, nil, "", func(c *Client, p *pipe) {
			k := socket()
			s := p.subscribe(c, "/a", nil, k)
			l, err := c.Listen("/a", nil)
			require.NoError(t, err)
			id := p.hold(k)
			p.say(k, `[{"channel":"/meta/connect","id":"`+id+`","successful":false,"error":"402::session_unknown","advice":{"reconnect":"handshake"}}]`)
			time.Sleep(time.Second)
			p.grant("c2", "")
			ctx, cancel := context.WithTimeout(context.Background(), time.Second)
			defer cancel()
			go func() { _ = s.Unsubscribe(ctx) }()
			synctest.Wait()
			require.NotEmpty(t, pulled(l), "the session is a new one")
		})
	})
}

// TestABodyThatPanicsHasComeBack: a message whose handler panicked is in nobody's hands.
func TestABodyThatPanicsHasComeBack(t *testing.T) {
	bubble(t, nil, acked, func(c *Client, p *pipe) {
		k := socket()
		s := p.subscribe(c, "/a", nil, k)
		id := p.hold(k)
		p.say(k, batch(event("/a", "1"), reply(bayeux.MetaConnect, id, `"ext":{"ack":1}`)))
		require.Panics(t, func() {
			for range s.Messages(context.Background()) {
				panic("a handler's")
			}
		})
		select {
		case <-s.drain():
		default:
			t.Error("drain waits for a body that is over")
		}
	})
}
