package wire

import (
	"net"
	"net/url"
)

// Address returns the host and port to dial for a URL. Without a port it is that of
// the scheme: 443 for https and wss, 1080 for socks5 and socks5h, 80 otherwise.
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
