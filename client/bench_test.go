package client

import (
	"fmt"
	"testing"

	"github.com/turold/turold/bayeux"
)

// BenchmarkDeliver finds the one subscription that an event is for among many.
func BenchmarkDeliver(b *testing.B) {
	for _, kind := range []string{"channel", "pattern"} {
		for n := 10; n <= 100_000; n *= 10 {
			b.Run(fmt.Sprintf("%s/%d", kind, n), func(b *testing.B) {
				c := &Client{d: new(Dialer)}
				var one *Subscription
				for i := range n {
					ch := bayeux.Channel(fmt.Sprintf("/stock/%d/price", i))
					if kind == "pattern" {
						ch = bayeux.Channel(fmt.Sprintf("/stock/%d/*", i))
					}
					one = newSubscription(c, ch, new(SubscribeOptions), true)
					c.keep(&topic{channel: ch, subs: []*Subscription{one}, known: true})
				}
				e, m := new(fx), bayeux.Message{Channel: bayeux.Channel(fmt.Sprintf("/stock/%d/price", n-1)), Data: []byte("1")}
				b.ReportAllocs()
				for b.Loop() {
					c.deliver(e, &m)
					if _, err, ok := one.take(&consumer{}, true); err != nil || !ok {
						b.Fatal("not delivered")
					}
				}
			})
		}
	}
}
