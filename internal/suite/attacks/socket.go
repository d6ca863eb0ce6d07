package attacks

import (
	"bufio"
	"net"
	"net/http"
	"strings"
	"sync"
)

// switching begins a 101 that is in order but for {accept}, which a server
// fills in.
const switching = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: {accept}\r\n"

// A socket is a WebSocket after its upgrade.
type socket struct {
	s  *Server
	c  net.Conn
	wg sync.WaitGroup
	mu sync.Mutex // held while something is written
}

// upgrade answers an upgrade, and what comes on the socket.
func (s *Server) upgrade(c net.Conn, in *bufio.Reader, r *http.Request) {
	_, due := s.due([]message{{Channel: s.attack.On}}, AsUpgrade)
	if due {
		p := s.attack.Payload.fill("{accept}", accept(r))
		s.strike(c, p)
		if s.attack.Beside != Before {
			return
		}
	} else if say(c, Payload{Head: switching + "\r\n"}.fill("{accept}", accept(r)).Head) != nil {
		return
	}
	k := &socket{s: s, c: c}
	defer k.wg.Wait()
	defer c.Close()
	k.read(in)
}

func (k *socket) read(in *bufio.Reader) {
	for {
		opcode, b, err := readFrame(in)
		if err != nil || opcode == bye {
			return
		}
		if opcode == ping {
			_ = k.write(frame(fin|pong, string(b)))
		}
		if opcode == text && !k.take(messages(b)) {
			return
		}
	}
}

func (k *socket) write(frame string) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	return say(k.c, frame)
}

// take answers a batch, and reports whether the socket lives.
func (k *socket) take(ms []message) bool {
	replies, hold := k.s.honest(ms)
	m, due := k.s.due(ms, AsBody, AsFrames)
	if !due {
		if hold > 0 {
			k.wg.Go(func() {
				k.s.sleep(hold)
				_ = k.write(frame(fin|text, batch(replies)))
			})
			return true
		}
		return k.write(frame(fin|text, batch(replies))) == nil
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.s.attack.Place == AsBody {
		return k.body(k.s.body(m, replies)) == nil
	}
	k.s.strike(k.c, k.s.attack.Payload)
	return k.s.attack.Beside == Before && say(k.c, frame(fin|text, batch(replies))) == nil
}

// body says a payload as one message; one without an end in frames without an end.
func (k *socket) body(p Payload) error {
	if n := p.size(); n >= 0 {
		p.Head = head(fin|text, n) + p.Head
		return p.writeTo(k.c)
	}
	p.Head = frame(text, p.Head)
	p.Loop = frame(more, strings.Repeat(p.Loop, max(chunk/len(p.Loop), 1)))
	return p.writeTo(k.c)
}
