package transport

import (
	"context"
	"net"
	"net/http"

	"github.com/turold/turold/internal/wire"
)

// PathKey names the network path to a target, as the key under which a fallback
// keeps what it has learnt of that path: the addresses of both pipes without what may
// be secret, the environment's proxy, and the local address that packets leave
// from, which changes with the network. What only the program knows, because it
// brings a DialContext or a Proxy of its own, is not in it. PathKey does not block
// and sends nothing.
func (shared *SharedConfig) PathKey(t *Target) string {
	s := t.Socket()
	key := s.Scheme + "://" + wire.Address(s) + s.Path + " " + t.URL.Scheme + "://" + wire.Address(t.URL)
	if shared.Proxy == nil {
		if p, err := http.ProxyFromEnvironment(&http.Request{URL: t.URL}); err == nil && p != nil {
			key += " by " + p.Scheme + "://" + wire.Address(p)
		}
	}
	if shared.DialContext == nil {
		if from := localAddress(); from != "" {
			key += " from " + from
		}
	}
	return key
}

// localAddress is where packets leave from by default: to connect a datagram
// socket only looks at the routes. The addresses are those kept for
// documentation (RFC 5737, RFC 3849), which every default route leads to.
func localAddress() string {
	for _, to := range []string{"192.0.2.1:9", "[2001:db8::1]:9"} {
		if c, err := new(net.Dialer).DialContext(context.Background(), "udp", to); err == nil {
			from, _, _ := net.SplitHostPort(c.LocalAddr().String())
			_ = c.Close()
			return from
		}
	}
	return ""
}
