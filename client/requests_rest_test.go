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

// TestChangingOnesMindKeepsNothing: a channel that is subscribed and left faster than
// the server answers keeps only what is out.
func TestChangingOnesMindKeepsNothing(t *testing.T) {
	bubble(t, nil, acked, func(c *Client, p *pipe) {
		k := socket()
		p.subscribe(c, "/b", nil, k)
		var open []string
		for range 100 {
			ctx, cancel := context.WithCancel(context.Background())
			done := make(chan struct{})
			go func() {
				_, _ = c.Subscribe(ctx, "/a", nil)
				close(done)
			}()
			synctest.Wait()
			open = append(open, p.draw(transport.LaneCommands, k))
			cancel()
			<-done
			synctest.Wait()
			open = append(open, p.draw(transport.LaneCommands, k))
			for ; len(open) > 4; open = open[1:] {
				ms, err := bayeux.Decode([]byte(open[0]), bayeux.Limits{})
				require.NoError(t, err)
				for _, m := range ms {
					p.say(k, batch(reply(m.Channel, m.ID, `"subscription":"/a"`)))
				}
			}
		}
		kept := 0
		for q := c.outbox.requests["/a"].newest; q != nil; q = q.previous {
			kept++
		}
		require.Less(t, kept, 8)
	})
}

// TestWhatIsAskedOfNoEffectIsSettled: the answer to what the client asks to tell a
// faulty session from an outage ends that, so that nothing waits for it.
func TestWhatIsAskedOfNoEffectIsSettled(t *testing.T) {
	bubble(t, nil, acked, func(c *Client, p *pipe) {
		k := socket()
		p.subscribe(c, "/a", nil, k)
		for range maxUselessReplies {
			b := p.draw(transport.LaneConnect, k)
			if b == "" { // after a failure
				time.Sleep(3 * time.Second)
				b = p.draw(transport.LaneConnect, k)
			}
			time.Sleep(6 * time.Second)
			p.say(k, `[{"channel":"/meta/connect","id":"`+idOf(t, b, bayeux.MetaConnect)+`","successful":true,"ext":{"ack":1},"successful":true}]`)
			time.Sleep(3 * time.Second)
		}
		asked := p.draw(transport.LaneCommands, k)
		require.Contains(t, asked, string(unusedChannel))
		p.say(k, batch(reply(bayeux.MetaUnsubscribe, idOf(t, asked, bayeux.MetaUnsubscribe), `"subscription":"`+string(unusedChannel)+`"`)))
		require.Zero(t, c.outbox.unsettled())
		require.Zero(t, c.Status().Stray)
	})
}
