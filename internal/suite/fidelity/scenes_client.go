package fidelity

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/turold/turold/bayeux"
	"github.com/turold/turold/client"
	"github.com/turold/turold/fallback"
	"github.com/turold/turold/transport"
)

// clients is what an application sees through the client.
func clients(s *stage) {
	s.hangUp()
	mode := fallback.LongPollingOnly
	if s.kind == transport.WebSocket {
		mode = fallback.WebSocketOnly
	}
	d := &client.Dialer{Policy: fallback.Policy{Mode: mode}, DialContext: s.lab.DialContext, Proxy: http.ProxyURL(nil)}
	defer d.Close()
	ctx, cancel := context.WithTimeout(s.Context(), time.Minute)
	defer cancel()
	c, err := d.Dial(ctx, s.server.URL(), nil)
	require.NoError(s, err)
	require.NoError(s, c.Ready(ctx))
	s.status("dial", c)

	sub, err := c.Subscribe(ctx, "/lab/c/*", nil)
	s.outcome("subscribe", err)
	_, err = c.Subscribe(ctx, "/deny/c", nil)
	s.outcome("subscribe denied", err)
	s.outcome("publish", c.Publish(ctx, "/lab/c/own", word{"n": 0}))
	s.event(ctx, sub)
	s.outcome("publish denied", c.Publish(ctx, "/deny/c", 1))
	for n := range 3 {
		s.publish("/lab/c/x", n+1)
		s.event(ctx, sub)
	}
	if s.lab.Calls {
		m, err := c.Call(ctx, "echo", "hello")
		s.outcome("call "+string(m.Data), err)
	}

	require.NoError(s, s.server.Forget())
	s.printf("* forget")
	_ = c.Publish(ctx, "/lab/other", 1) // whether its refusal or the connect's tells first is chance
	for c.Status().Session < 2 && ctx.Err() == nil {
		time.Sleep(lull)
	}
	s.outcome("subscribe another", s.another(ctx, c))
	s.status("then", c)
	s.publish("/lab/c/x", 4)
	s.past(ctx, sub)
	s.outcome("unsubscribe", sub.Unsubscribe(ctx))
	s.outcome("disconnect", c.Disconnect(ctx))

	if s.lab.Goodbyes {
		c, err := d.Dial(ctx, s.server.URL(), nil)
		require.NoError(s, err)
		require.NoError(s, c.Ready(ctx))
		time.Sleep(lull)
		require.NoError(s, s.server.Disconnect())
		s.printf("* disconnect")
		select {
		case <-c.Done():
		case <-ctx.Done():
		}
		s.outcome("ended", c.Err())
	}
}

// another subscribes behind the resubscribe of all others.
func (s *stage) another(ctx context.Context, c *client.Client) error {
	_, err := c.Subscribe(ctx, "/lab/c2", nil)
	return err
}

func (s *stage) status(what string, c *client.Client) {
	st := c.Status()
	s.printf("! %s: session %d on %s, ack %v", what, st.Session, st.Transport, st.Ack)
}

func (s *stage) event(ctx context.Context, sub *client.Subscription) {
	item, err := sub.Next(ctx)
	m, _ := item.Value()
	s.outcome("event "+string(m.Channel)+" "+string(m.Data), cmp.Or(err, item.Problem()))
}

// past goes on past gaps, of which there must be one.
func (s *stage) past(ctx context.Context, sub *client.Subscription) {
	gaps := false
	for {
		item, err := sub.Next(ctx)
		if item.Gap() != nil {
			gaps = true
			continue
		}
		m, _ := item.Value()
		s.printf("! gap %v", gaps)
		s.outcome("event "+string(m.Channel)+" "+string(m.Data), err)
		return
	}
}

// outcome tells an error by what it is, not by the words around it.
func (s *stage) outcome(what string, err error) {
	var refused *bayeux.Error
	switch {
	case err == nil:
		s.printf("! %s", what)
	case errors.As(err, &refused):
		s.printf("! %s: refused: %s", what, refused.Raw)
	default:
		s.printf("! %s: %v", what, err)
	}
}
