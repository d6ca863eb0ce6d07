package servers

import (
	"errors"
	"math/rand/v2"
	"net"
	"strconv"
	"sync"
)

// given are the ports that were handed out: no other server of the process gets
// one of them while the first has yet to listen.
var given sync.Map

// FreePort finds a port of 127.0.0.1 that nobody listens on. It is below those that systems
// give to outgoing connections: one of them would keep a server that was
// killed from coming back.
func FreePort() (int, error) {
	for range 100 {
		port := 20000 + rand.N(12000)
		if _, taken := given.LoadOrStore(port, true); taken {
			continue
		}
		l, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
		if err == nil {
			return port, l.Close()
		}
	}
	return 0, errors.New("servers: no free port between 20000 and 32000")
}
