package client

import (
	"context"
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/turold/turold/bayeux"
	"github.com/turold/turold/transport"
)

// These measure what is kept while nobody reads: bounds are of memory, whatever a
// server makes it of.

func heapNow() int {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int(m.HeapAlloc)
}

// slack is what a measurement of the heap may be off by.
const slack = 1 << 20

var junk = strings.Repeat("x", 200_000)

// frames are what a server may send to have a client keep much for little.
var frames = map[string]func(n int) []string{
	"an event beside one that nobody wants": func(int) []string { return []string{event("/a/b", "1"), event("/b", `"`+junk+`"`)} },
	"an event beside a stray message":       func(int) []string { return []string{event("/a/b", "1"), event("/meta/x", `"`+junk+`"`)} },
	"an event beside a stray reply": func(int) []string {
		return []string{reply("/c", "no", `"ext":{"x":"`+junk+`"}`), event("/a/b", "1")}
	},
	"as many events as go into it": func(int) (all []string) {
		for i := range 4000 {
			all = append(all, event("/a/b", fmt.Sprint(i)))
		}
		return all
	},
	"long names": func(n int) (all []string) {
		for i := range 400 {
			all = append(all, event(bayeux.Channel(fmt.Sprint("/a/", n, "/", i, "/", junk[:450])), "1"))
		}
		return all
	},
	"long ids": func(n int) (all []string) {
		for i := range 400 {
			all = append(all, fmt.Sprintf(`{"channel":"/a/b","id":"%d%d%s","data":1}`, n, i, junk[:450]))
		}
		return all
	},
	"lists of nothing": func(int) (all []string) {
		for range 20 {
			all = append(all, `{"channel":"/a/b","data":1,"subscription":[""`+strings.Repeat(`,""`, 2000)+`]}`)
		}
		return all
	},
	"what cannot be read, under a long name": func(int) (all []string) {
		for range 20 {
			all = append(all, `{"channel":"/a/b","data":{"`+junk[:10_000]+`":tru}}`)
		}
		return all
	},
	"what only the protocol knows": func(int) (all []string) {
		for range 400 {
			all = append(all, `{"channel":"/a/b","data":1,"clientId":"x","advice":{"reconnect":"retry","interval":0,"hosts":["a","b","c"]}}`)
		}
		return all
	},
}

// TestQueuesKeepWhatTheirBoundAllows: whatever comes with an event, a queue that
// nobody reads keeps three times its bound at most.
func TestQueuesKeepWhatTheirBoundAllows(t *testing.T) {
	const bound = 512 << 10
	for name, frame := range frames {
		for ext, full := range map[string]QueuePolicy{"": QueueDropOldest, acked: QueueDropNewest} {
			t.Run(fmt.Sprintf("%s, ack %q", name, ext), func(t *testing.T) {
				bubble(t, nil, ext, func(c *Client, p *pipe) {
					l := socket()
					time.Sleep(firstConnectDelay)
					s, err := c.Listen("/a/**", &SubscribeOptions{Queue: Bound{Bytes: bound, Messages: 1 << 20}, WhenFull: full})
					require.NoError(t, err)
					id := p.hold(l)
					before := heapNow()
					for n := range 60 {
						p.say(l, batch(append(frame(n), reply(bayeux.MetaConnect, id, fmt.Sprintf(`"ext":{"ack":%d}`, n)))...))
						id = p.hold(l)
					}
					kept := heapNow() - before
					require.Less(t, kept, 3*bound+slack)
					require.LessOrEqual(t, s.size.Bytes, bound)
					t.Logf("%d KiB for %d messages", kept>>10, s.size.Messages)
					runtime.KeepAlive(s)
				})
			})
		}
	}
}

// TestManySubscriptionsKeepNoFrames: each of a thousand is left with one small
// event of a frame of its own.
func TestManySubscriptionsKeepNoFrames(t *testing.T) {
	bubble(t, nil, "", func(c *Client, p *pipe) {
		l := socket()
		time.Sleep(firstConnectDelay)
		const count = 200
		var all []*Subscription
		for n := range count {
			s, err := c.Listen(bayeux.Channel(fmt.Sprint("/a/", n)), nil)
			require.NoError(t, err)
			all = append(all, s)
		}
		p.hold(l)
		before := heapNow()
		for n := range count {
			p.say(l, batch(event(bayeux.Channel(fmt.Sprint("/a/", n)), "1"), event("/b", `"`+junk+`"`)))
		}
		require.Less(t, heapNow()-before, 2*slack)
		runtime.KeepAlive(all)
	})
}

// TestHeldEventsKeepNoFrames: nor do those that wait for the reply that
// acknowledges them.
func TestHeldEventsKeepNoFrames(t *testing.T) {
	for name, frame := range frames {
		if name == "an event beside one that nobody wants" { // that is held as well
			continue
		}
		t.Run(name, func(t *testing.T) {
			bubble(t, nil, acked, func(c *Client, p *pipe) {
				c.dialer.network().Limits.Unacknowledged = 512 << 10
				l := socket()
				time.Sleep(firstConnectDelay)
				p.hold(l)
				before := heapNow()
				for n := range 60 {
					p.say(l, batch(frame(n)...))
				}
				require.Less(t, heapNow()-before, 3*(512<<10)+slack)
				runtime.KeepAlive(c)
			})
		})
	}
}

// TestReceiptsKeepNoFrames: nor what came with the replies to messages whose
// receipts somebody keeps.
func TestReceiptsKeepNoFrames(t *testing.T) {
	bubble(t, nil, "", func(c *Client, p *pipe) {
		l := socket()
		time.Sleep(firstConnectDelay)
		before := heapNow()
		var receipts []*Receipt
		for n := range 100 {
			r, err := c.Send(context.Background(), Draft{Channel: "/a", Data: 1})
			require.NoError(t, err)
			receipts = append(receipts, r)
			id := idOf(t, p.draw(transport.LaneCommands, l), "/a")
			if n%2 == 0 {
				p.say(l, batch(reply("/a", id, `"ext":{"x":1}`), event("/b", `"`+junk+`"`)))
				require.NoError(t, r.Wait(context.Background()))
			} else {
				p.say(l, batch(fmt.Sprintf(`{"channel":"/a","id":%q,"successful":false,"error":"400::%s"}`, id, junk)))
				require.ErrorAs(t, r.Wait(context.Background()), new(*bayeux.Error))
			}
		}
		require.Less(t, heapNow()-before, 2*slack)
		runtime.KeepAlive(receipts)
	})
}

// TestOutboxKeepsWhatItsBoundAllows: small messages that no server answers take no more
// memory than the bound has bytes.
func TestOutboxKeepsWhatItsBoundAllows(t *testing.T) {
	const bound = 2 << 20
	bubble(t, &Options{Outbox: Bound{Bytes: bound, Messages: 1 << 20}}, "", func(c *Client, p *pipe) {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		before := heapNow()
		taken := 0
		for ; ; taken++ {
			if _, err := c.Send(ctx, Draft{Channel: "/a", Data: 1}); err != nil {
				require.ErrorIs(t, err, context.DeadlineExceeded)
				break
			}
		}
		kept := heapNow() - before
		require.Greater(t, taken, bound/1024)
		require.Less(t, kept, bound+slack)
		t.Logf("%d KiB for %d messages", kept>>10, taken)
		runtime.KeepAlive(c)
	})
}
