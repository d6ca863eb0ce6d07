package client

import (
	"fmt"
	"testing"

	"github.com/turold/turold/bayeux"
	"github.com/turold/turold/transport"
)

// BenchmarkDeliver finds the one subscription that an event is for among many.
func BenchmarkDeliver(b *testing.B) {
	for _, kind := range []string{"channel", "pattern"} {
		for n := 10; n <= 100_000; n *= 10 {
			b.Run(fmt.Sprintf("%s/%d", kind, n), func(b *testing.B) {
				c := &Client{dialer: new(Dialer)}
				var one *Subscription
				for i := range n {
					ch := bayeux.Channel(fmt.Sprintf("/stock/%d/price", i))
					if kind == "pattern" {
						ch = bayeux.Channel(fmt.Sprintf("/stock/%d/*", i))
					}
					one = newSubscription(c, ch, new(SubscribeOptions), true)
					c.topics.add(&topic{channel: ch, subs: []*Subscription{one}, known: true})
				}
				fx, m := new(effects), bayeux.Message{Channel: bayeux.Channel(fmt.Sprintf("/stock/%d/price", n-1)), Data: []byte("1")}
				b.ReportAllocs()
				for b.Loop() {
					c.deliver(fx, &m)
					if _, err, ok := one.take(&consumer{}, true); err != nil || !ok {
						b.Fatal("not delivered")
					}
				}
			})
		}
	}
}

// BenchmarkReceive takes a frame of a hundred events for one of a few subscriptions,
// which is read before the next comes, or not.
func BenchmarkReceive(b *testing.B) {
	var frame []bayeux.Message
	for i := range 100 {
		frame = append(frame, bayeux.Message{Channel: "/a/b", Data: fmt.Appendf(nil, `{"n":%d,"text":"about a hundred bytes, as an event of some application may have"}`, i)})
	}
	for _, read := range []bool{true, false} {
		b.Run(fmt.Sprintf("read/%v", read), func(b *testing.B) {
			c := &Client{dialer: new(Dialer)}
			one := newSubscription(c, "/a/b", &SubscribeOptions{Queue: Bound{Messages: 1000}}, true)
			c.topics.add(&topic{channel: "/a/b", subs: []*Subscription{one}, known: true})
			c.topics.add(&topic{channel: "/c", subs: []*Subscription{newSubscription(c, "/c", new(SubscribeOptions), true)}, known: true})
			id := transport.NewLegID()
			c.legs.Set(id, &leg{})
			b.ReportAllocs()
			for b.Loop() {
				fx := effectsPool.Get().(*effects)
				c.onMessages(fx, id, frame)
				fx.release()
				for read {
					if _, _, ok := one.take(&consumer{}, true); !ok {
						break
					}
				}
			}
		})
	}
}
