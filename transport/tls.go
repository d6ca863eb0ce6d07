package transport

import "crypto/tls"

// socketTLS is the configuration for WebSockets at one host.
type socketTLS struct {
	host   string
	config *tls.Config
}

// SocketTLS configures TLS for a WebSocket at a host, or to a proxy there: an
// upgrade there is in HTTP/1.1 alone (RFC 8441 is not spoken). It must not be
// changed: those that ask for the same host in a row share it. Safe for
// concurrent use.
func (shared *SharedConfig) SocketTLS(host string) *tls.Config {
	if s := shared.socketTLS.Load(); s != nil && s.host == host {
		return s.config
	}
	config := shared.TLS.Clone()
	if config == nil {
		config = new(tls.Config)
	}
	if config.ServerName == "" {
		config.ServerName = host
	}
	config.NextProtos = []string{"http/1.1"}
	shared.socketTLS.Store(&socketTLS{host, config})
	return config
}
