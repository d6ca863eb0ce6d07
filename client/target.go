package client

import (
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/turold/turold/transport"
)

// An address is what Dial was given, and what it means.
type address struct {
	url, socket string
	target      *transport.Target
}

// addressed is parseTarget. Sessions with the same server share what it returns,
// and do not change it.
func (d *Dialer) addressed(rawURL, socketURL string) (*transport.Target, error) {
	if a := d.shared.last.Load(); a != nil && a.url == rawURL && a.socket == socketURL {
		return a.target, nil
	}
	t, err := parseTarget(rawURL, socketURL)
	if err == nil {
		d.shared.last.Store(&address{rawURL, socketURL, t})
	}
	return t, err
}

// parseTarget reads the address of a server. Its errors quote nothing of it: it
// may hold secrets.
func parseTarget(rawURL, socketURL string) (*transport.Target, error) {
	u, err := parseURL(rawURL, "http", "https", "ws", "wss")
	if err != nil {
		return nil, fmt.Errorf("client: invalid server URL: %w: want http, https, ws or wss, such as http://localhost:8080/cometd", err)
	}
	t := &transport.Target{URL: u}
	if u.Scheme == "ws" || u.Scheme == "wss" {
		socket := *u
		t.SocketURL = &socket
		u.Scheme = map[string]string{"ws": "http", "wss": "https"}[u.Scheme]
	}
	if socketURL != "" {
		if t.SocketURL, err = parseURL(socketURL, "ws", "wss"); err != nil {
			return nil, fmt.Errorf("client: invalid WebSocketURL: %w: want ws or wss, such as ws://localhost:8080/cometd", err)
		}
	}
	return t, nil
}

var (
	errURLEmpty  = errors.New("it is empty")
	errURLScheme = errors.New("the scheme is missing")
	errURLOther  = errors.New("the scheme is another")
	errURLHost   = errors.New("the host is missing")
	errURLSyntax = errors.New("it cannot be parsed")
)

// parseURL reads a URL of one of the schemes, with a host. What net/url says of a
// URL that it cannot parse may quote a part of it.
func parseURL(raw string, schemes ...string) (*url.URL, error) {
	u, err := url.Parse(raw)
	known := err == nil && slices.Contains(schemes, u.Scheme)
	switch {
	case raw == "":
		return nil, errURLEmpty
	case known && u.Host == "":
		return nil, errURLHost
	case known:
		return u, nil
	case !strings.Contains(raw, "://"):
		return nil, errURLScheme
	case err != nil:
		return nil, errURLSyntax
	}
	return nil, errURLOther
}

// server is what Dial's errors name: the scheme, host and port of its URL.
func (c *Client) server() string { return c.base.URL.Scheme + "://" + c.base.URL.Host }
