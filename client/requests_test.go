package client

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/turold/turold/bayeux"
	"github.com/turold/turold/transport"
)

// TestOnlyTheNewestIsSentAgain: an unsubscribe and the subscribe behind it get no
// answer on a socket that lives.
func TestOnlyTheNewestIsSentAgain(t *testing.T) {
	steady(t, nil, func(c *Client, p *pipe) {
		old := p.subscribe(c, "/a", nil, exchange())
		l := socket()
		go func() { _ = old.Unsubscribe(context.Background()) }()
		require.Contains(t, p.draw(transport.LaneCommands, l), "/meta/unsubscribe")
		done := make(chan error, 1)
		go func() {
			_, err := c.Subscribe(context.Background(), "/a", nil)
			done <- err
		}()
		require.Contains(t, p.draw(transport.LaneCommands, l), "/meta/subscribe")
		time.Sleep(c.options.NetworkDelay)
		again := p.draw(transport.LaneCommands, l)
		require.Contains(t, again, "/meta/subscribe")
		require.NotContains(t, again, "/meta/unsubscribe")
		p.say(l, batch(reply(bayeux.MetaSubscribe, idOf(t, again, bayeux.MetaSubscribe), `"subscription":"/a"`)))
		require.NoError(t, <-done)
	})
}

// TestWhatMayStillArriveIsAskedBehind: the leg of an unsubscribe died, and a new
// subscribe was granted. The unsubscribe may arrive all the same: the server is asked
// once more, and what it may have been without meanwhile is a gap.
func TestWhatMayStillArriveIsAskedBehind(t *testing.T) {
	steady(t, nil, func(c *Client, p *pipe) {
		old := p.subscribe(c, "/a", nil, exchange())
		l := exchange()
		go func() { _ = old.Unsubscribe(within(time.Second)) }()
		require.Contains(t, p.draw(transport.LaneCommands, l), "/meta/unsubscribe")
		time.Sleep(2 * time.Second)
		sub := make(chan *Subscription, 1)
		go func() {
			s, err := c.Subscribe(context.Background(), "/a", nil)
			require.NoError(t, err)
			sub <- s
		}()
		p.end(l, reset(false))
		time.Sleep(maxFirstPause)
		grant := func() {
			l := exchange()
			b := p.draw(transport.LaneCommands, l)
			require.Contains(t, b, "/meta/subscribe")
			require.NotContains(t, b, "/meta/unsubscribe")
			p.say(l, batch(reply(bayeux.MetaSubscribe, idOf(t, b, bayeux.MetaSubscribe), `"subscription":"/a"`)))
		}
		grant()
		s := <-sub
		require.Empty(t, pulled(s))
		require.Empty(t, p.draw(transport.LaneCommands, exchange()), "not before it has had the time to arrive")
		time.Sleep(c.options.NetworkDelay)
		grant()
		require.Equal(t, []string{"gap: unsubscribed"}, pulled(s))
		time.Sleep(time.Minute)
		require.Empty(t, p.draw(transport.LaneCommands, exchange()))
		require.Nil(t, c.outbox.requests)
	})
}

// TestUnsubscribedAlready: an unsubscribe that is sent again may find that the
// first has arrived.
func TestUnsubscribedAlready(t *testing.T) {
	for _, said := range []string{"400::channel_missing", "400::channel missing", "403::unsubscribe_failed"} {
		steady(t, nil, func(c *Client, p *pipe) {
			sub := p.subscribe(c, "/a", nil, exchange())
			done := make(chan error, 1)
			go func() { done <- sub.Unsubscribe(context.Background()) }()
			l := exchange()
			require.NotEmpty(t, p.draw(transport.LaneCommands, l))
			p.end(l, reset(false))
			time.Sleep(maxFirstPause)
			l = exchange()
			p.say(l, fmt.Sprintf(`[{"channel":"/meta/unsubscribe","id":%q,"subscription":"/a","successful":false,"error":%q}]`, idOf(t, p.draw(transport.LaneCommands, l), bayeux.MetaUnsubscribe), said))
			require.NoError(t, <-done)
		})
	}
}
