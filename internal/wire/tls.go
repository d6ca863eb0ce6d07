package wire

import (
	"crypto/tls"
	"sync/atomic"
)

// SocketTLS returns the TLS settings for a WebSocket at a host, or for a proxy there,
// by the settings of a *transport.SharedConfig: an upgrade is asked for in HTTP/1.1
// alone (RFC 8441 is not spoken). The caller must not change the result, which
// sessions share. Safe for concurrent use. Package transport sets the variable: the
// settings hold the cache, and their public page does not name it.
var SocketTLS func(shared any, host string) *tls.Config

// A TLSCache holds the TLS settings for the host that was asked for last. The zero
// value is ready; safe for concurrent use.
type TLSCache struct{ last atomic.Pointer[hostTLS] }

type hostTLS struct {
	host   string
	config *tls.Config
}

// Get returns what SocketTLS promises, made from base, which may be nil.
func (c *TLSCache) Get(base *tls.Config, host string) *tls.Config {
	if last := c.last.Load(); last != nil && last.host == host {
		return last.config
	}
	config := base.Clone()
	if config == nil {
		config = new(tls.Config)
	}
	if config.ServerName == "" {
		config.ServerName = host
	}
	config.NextProtos = []string{"http/1.1"}
	c.last.Store(&hostTLS{host, config})
	return config
}
