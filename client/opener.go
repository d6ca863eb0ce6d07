package client

import (
	"crypto/tls"

	"github.com/turold/turold/fallback"
	"github.com/turold/turold/transport"
	"github.com/turold/turold/transport/longpoll"
	"github.com/turold/turold/transport/websocket"
)

// network returns the settings of the Dialer's sessions, which it makes at the first use.
func (d *Dialer) network() *transport.SharedConfig {
	s := &d.shared
	s.once.Do(func() {
		s.network = &transport.SharedConfig{TLS: resuming(d.TLS), Proxy: d.Proxy, DialContext: d.DialContext, Silence: d.Silence, Limits: d.Limits.WithDefaults()}
		s.network.RoundTripper = longpoll.NewRoundTripper(s.network)
	})
	return s.network
}

// resuming returns the TLS of every connection of a Dialer: each WebSocket, and each
// session after a restart of the server, resumes what another connection has
// negotiated, which spares both sides most of the handshake's work.
func resuming(given *tls.Config) *tls.Config {
	config := given.Clone()
	if config == nil {
		config = new(tls.Config)
	}
	if config.ClientSessionCache == nil {
		config.ClientSessionCache = tls.NewLRUClientSessionCache(0)
	}
	return config
}

func (d *Dialer) limits() transport.Limits { return d.network().Limits }

// forgetPaths drops what the fallback has learnt of the network as it was.
func (d *Dialer) forgetPaths() {
	if d.Policy.Memory != nil {
		d.Policy.Memory.Forget()
	}
	d.memory.Forget()
}

// opener makes the transport of one session: the Dialer's own, or the
// fallback, whose decisions the trace hears of.
func (d *Dialer) opener(c *Client) transport.Opener {
	if d.Open != nil {
		return d.Open
	}
	p := d.Policy
	if p.Memory == nil {
		p.Memory = &d.memory
	}
	return fallback.New(p, websocket.Open, longpoll.Open, func(m fallback.Decision) {
		c.onDecision(m.Reason, m.Next)
		if d.Trace != nil && d.Trace.Transport != nil {
			d.Trace.Transport(c, m)
		}
	})
}
