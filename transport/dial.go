package transport

import (
	"context"
	"net"
	"time"
)

// direct opens connections where nobody says how. The system asks the other side
// for a sign of life when nothing came for nine seconds, and gives the connection
// up when three questions, two seconds apart, were not answered: a poll that is
// held on a connection that is dead has nothing else by which to find out, and
// 15 s is what a WebSocket takes.
var direct = net.Dialer{KeepAliveConfig: net.KeepAliveConfig{Enable: true, Idle: 9 * time.Second, Interval: 2 * time.Second, Count: 3}}

// Dial opens the TCP connection of either pipe, by DialContext if that is not nil.
func (n *Network) Dial(ctx context.Context, network, addr string) (net.Conn, error) {
	if n.DialContext != nil {
		return n.DialContext(ctx, network, addr)
	}
	return direct.DialContext(ctx, network, addr)
}
