package transport

import (
	"crypto/tls"

	"github.com/turold/turold/internal/wire"
)

func init() {
	wire.SocketTLS = func(shared any, host string) *tls.Config {
		s := shared.(*SharedConfig)
		return s.socketTLS.Get(s.TLS, host)
	}
}
