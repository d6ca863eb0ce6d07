package main

import (
	"cmp"
	"context"

	"github.com/turold/turold/bayeux"
	"github.com/turold/turold/bench/rawserver"
	"github.com/turold/turold/client"
	"github.com/turold/turold/fallback"
)

// A session is one of Turold's, with its subscription.
type session struct {
	*client.Client
	events *client.Subscription
}

// next waits for an event. A gap is an error.
func (s *session) next(ctx context.Context) (bayeux.Message, error) {
	item, err := s.events.Next(ctx)
	m, _ := item.Value()
	return m, cmp.Or(err, item.Problem())
}

// dialer is for one transport alone, or for both.
func (p params) dialer(m fallback.Mode, far bool) *client.Dialer {
	d := &client.Dialer{Policy: fallback.Policy{Mode: m}, DialContext: dialFar(far)}
	if p.TLS {
		d.TLS = p.tls()
	}
	return d
}

// mode is that of the Kind alone.
func (p params) mode() fallback.Mode {
	if p.Kind == "websocket" {
		return fallback.WebSocketOnly
	}
	return fallback.LongPollingOnly
}

// begin dials the server of canned bytes and subscribes.
func (p params) begin(ctx context.Context, d *client.Dialer, far bool) (*session, error) {
	return subscribed(ctx, d, p.url(far), rawserver.Channel, &client.Options{NoAck: !p.Ack, KeepDialing: true})
}

func subscribed(ctx context.Context, d *client.Dialer, url string, to bayeux.Channel, o *client.Options) (*session, error) {
	c, err := d.Dial(ctx, url, o)
	if err != nil {
		return nil, err
	}
	s, err := c.Subscribe(ctx, to, nil)
	return &session{c, s}, err
}
