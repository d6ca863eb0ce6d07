package transport

import (
	"context"
	"errors"
	"net"
	"time"
)

const (
	defaultSilence = 15 * time.Second
	minSilence     = time.Second
	maxSilence     = 24 * time.Hour // of the keep-alive: Linux takes at most 32,767 s between two probes
)

var errNoConn = errors.New("transport: DialContext returned neither a connection nor an error")

// LongestSilence returns Silence with its default and its lower bound applied.
func (shared *SharedConfig) LongestSilence() time.Duration {
	if shared.Silence <= 0 {
		return defaultSilence
	}
	return max(shared.Silence, minSilence)
}

// Dial opens a TCP connection, by DialContext if there is one. Otherwise the system
// notices within LongestSilence, rounded up to seconds and at the shortest a second or
// two later, that the other end is gone: by keep-alive (RFC 9293 section 3.8.4), and on
// Linux by the user timeout (RFC 5482) while something that was sent is not
// acknowledged.
func (shared *SharedConfig) Dial(ctx context.Context, network, addr string) (net.Conn, error) {
	if shared.DialContext != nil {
		c, err := shared.DialContext(ctx, network, addr)
		if c == nil && err == nil {
			err = errNoConn
		}
		return c, err
	}
	s := min(shared.LongestSilence(), maxSilence)
	d := net.Dialer{
		KeepAliveConfig: net.KeepAliveConfig{Enable: true, Idle: s / 3, Interval: s / 5, Count: 3},
		Control:         userTimeout(s - s/15), // after the third probe
	}
	return d.DialContext(ctx, network, addr)
}
