package transport

import (
	"net"
	"net/url"
)

// Address is the host and port to dial for a URL; without a port it is the
// scheme's: 443 for https and wss, 1080 for socks5 and socks5h, 80 otherwise.
func Address(u *url.URL) string {
	port := u.Port()
	if port == "" {
		switch u.Scheme {
		case "wss", "https":
			port = "443"
		case "socks5", "socks5h":
			port = "1080"
		default:
			port = "80"
		}
	}
	return net.JoinHostPort(u.Hostname(), port)
}
