package hardening

import (
	"cmp"
	"context"
	"encoding/json"
	"sync"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/turold/turold/bayeux"
	"github.com/turold/turold/client"
	"github.com/turold/turold/fallback"
)

// use has everything done that a session can do, before, while and after
// everything goes wrong.
func (s *secretive) use(c *client.Client, late bool) {
	var readers sync.WaitGroup
	ctx, cancel := context.WithCancel(s.Context())
	round := func(channel bayeux.Channel) {
		short, cancel := context.WithTimeout(ctx, 20*time.Second)
		defer cancel()
		sub, err := c.Subscribe(short, channel, &client.SubscribeOptions{Ext: map[string]string{"token": "canarysubscribed"}})
		s.k.err("Subscribe", err)
		if err == nil {
			readers.Go(func() { s.read(ctx, sub) })
		}
		s.k.err("Publish", c.Publish(short, channel, "canarydata"))
		receipt, err := c.Send(short, client.Draft{Channel: channel, Data: "canarydata", Ext: map[string]string{"token": "canarypublished"}})
		s.k.err("Send", err)
		if err == nil {
			s.k.err("Receipt", receipt.Wait(short))
			s.k.value("Receipt", receipt)
		}
		_, err = c.Call(short, "echo", "canarydata")
		s.k.err("Call", err)
		s.k.value("Status", c.Status())
		s.k.err("Status", c.Status().Err)
		s.k.value("Client", c)
		time.Sleep(10 * time.Second)
	}
	round("/a/before")
	if late {
		s.turn(true)
	}
	round("/a/while")
	s.turn(false)
	time.Sleep(20 * time.Second)
	round("/a/after")
	s.k.err("Disconnect", c.Disconnect(s.Context()))
	s.k.err("Client.Err", c.Err())
	cancel()
	readers.Wait()
}

// read pulls a subscription until it ends.
func (s *secretive) read(ctx context.Context, sub *client.Subscription) {
	for item, err := range client.Values[time.Time](sub.Messages(ctx)) { // whose errors quote what is none
		s.k.err("Next", cmp.Or(err, item.Problem()))
	}
	s.k.value("Subscription", sub)
}

func (s *secretive) decided(d fallback.Decision) {
	s.k.value("Decision", d)
	s.k.err("Decision", d.Err)
}

// trace has all that is told looked at; data is the application's.
func (s *secretive) trace() *client.Trace {
	return &client.Trace{
		State: func(c *client.Client, from, to client.State, cause error) {
			s.k.value("State", []any{c, from, to})
			s.k.err("State", cause)
		},
		Transport: func(_ *client.Client, d fallback.Decision) { s.decided(d) },
		Exchange: func(_ *client.Client, x client.Exchange) {
			s.k.value("Exchange", x)
			s.k.err("Exchange", x.Err)
		},
		Wire: func(_ *client.Client, w client.Wire) {
			var ms []struct{ Channel, Subscription, ClientID, Error, Ext, Advice json.RawMessage }
			require.NoError(s, json.Unmarshal(w.Batch, &ms), "%s", w.Batch)
			for _, m := range ms {
				s.k.text("Wire", string(m.ClientID)+string(m.Ext))
				if s.f.reply != nil {
					s.k.text("Wire", string(m.Error))
				}
			}
		},
		Gap: func(_ *client.Client, e *client.GapError) { s.k.err("Gap", e) },
	}
}
