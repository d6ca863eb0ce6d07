package rawserver

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/turold/turold/bayeux"
)

// A Server serves one or more listeners.
type Server struct {
	mu       sync.Mutex
	seq      int
	sessions map[string]*session
	conns    map[net.Conn]struct{}
	down     bool
	shakes   []time.Time // when handshakes were granted since the last restart
}

// New returns a Server that serves nothing yet.
func New() *Server {
	return &Server{sessions: map[string]*session{}, conns: map[net.Conn]struct{}{}}
}

// Serve accepts connections until the listener ends.
func (s *Server) Serve(l net.Listener) error {
	for {
		c, err := l.Accept()
		if err != nil {
			return err
		}
		if s.know(c) {
			go s.serve(c)
		}
	}
}

// know registers a connection, unless the server is down.
func (s *Server) know(c net.Conn) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.down {
		_ = c.Close()
		return false
	}
	s.conns[c] = struct{}{}
	return true
}

// command has the server restart, after which it is away for a while, or says
// what the busiest second since then was.
func (s *Server) command(c net.Conn, r *http.Request) {
	said := 0
	if r.URL.Path == "/busiest" {
		said = s.busiest()
	}
	fmt.Fprintf(c, "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n%d\n", said)
	if away, err := time.ParseDuration(r.URL.Query().Get("away")); err == nil {
		go s.restart(away)
	}
}

// restart forgets every session and connection, and takes none for a while.
func (s *Server) restart(away time.Duration) {
	s.mu.Lock()
	s.down = true
	for c := range s.conns {
		_ = c.Close()
	}
	for _, x := range s.sessions {
		close(x.over)
	}
	clear(s.conns)
	clear(s.sessions)
	s.shakes = nil
	s.mu.Unlock()
	time.Sleep(away)
	s.mu.Lock()
	s.down = false
	s.mu.Unlock()
}

// busiest is the largest number of handshakes within one second since then.
func (s *Server) busiest() (most int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, j := 0, 0; j < len(s.shakes); j++ {
		for s.shakes[j].Sub(s.shakes[i]) > time.Second {
			i++
		}
		most = max(most, j-i+1)
	}
	return most
}

// serve answers the requests of one connection.
func (s *Server) serve(c net.Conn) {
	defer s.forget(c)
	in := bufio.NewReader(c)
	for {
		r, err := http.ReadRequest(in)
		if err != nil {
			return
		}
		if r.URL.Path == "/restart" || r.URL.Path == "/busiest" {
			s.command(c, r)
			return
		}
		script := scriptOf(r.URL.Query())
		if r.Header.Get("Upgrade") != "" {
			s.socket(c, in, r, script)
			return
		}
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return
		}
		answer, cookie := s.post(body, script)
		head := "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n" + cookie + "Content-Length: " + strconv.Itoa(len(answer)) + "\r\n\r\n"
		if _, err := c.Write(append([]byte(head), answer...)); err != nil {
			return
		}
	}
}

func (s *Server) forget(c net.Conn) {
	_ = c.Close()
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.conns, c)
}

// post answers a body.
func (s *Server) post(body []byte, script script) (answer []byte, cookie string) {
	if !script.echo && !bytes.Contains(body, metaKey) {
		return published(nil, body), ""
	}
	answer, later, shaken := s.take(body, script, nil)
	if shaken {
		cookie = "Set-Cookie: BAYEUX_BROWSER=0123456789abcdef; Path=/; HttpOnly\r\n"
	}
	if later != nil {
		return <-later, cookie
	}
	return array(answer), cookie
}

// socket serves an upgrade, and what follows.
func (s *Server) socket(c net.Conn, in *bufio.Reader, r *http.Request, script script) {
	switch script.socket {
	case "refused":
		fmt.Fprint(c, "HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")
		return
	case "hole":
		_, _ = io.Copy(io.Discard, in)
		return
	}
	k := upgrade(c, in, r)
	if script.socket == "mute" {
		_, _ = io.Copy(io.Discard, in)
		return
	}
	var buf, out []byte
	for {
		b, err := k.read(buf)
		if err != nil {
			return
		}
		buf = b[:0]
		if !script.echo && !bytes.Contains(b, metaKey) {
			out = published(out[:0], b)
			k.write(out)
			continue
		}
		if answer, _, _ := s.take(b, script, k); len(answer) > 0 {
			k.write(array(answer))
		}
	}
}

// take takes a batch that is not only publishes, from a socket or by HTTP.
func (s *Server) take(b []byte, script script, on *socket) (answer []byte, later chan []byte, shaken bool) {
	ms, err := bayeux.Decode(bytes.Clone(b), bayeux.Limits{})
	if err != nil {
		return nil, nil, false
	}
	for i := range ms {
		m := &ms[i]
		if m.Channel == bayeux.MetaHandshake {
			x := s.grant(script)
			answer, shaken = append(answer, granted(m, x.id, script.ack)...), true
			continue
		}
		x := s.find(m)
		switch {
		case x == nil:
			answer = append(answer, unknown(m)...)
		case m.Channel == bayeux.MetaConnect:
			var now []byte
			now, later = x.connect(m, on, len(ms) == 1)
			answer = append(answer, now...)
		default:
			answer = append(answer, accepted(m)...)
			if m.Channel == bayeux.MetaSubscribe {
				x.subscribed()
			} else if script.echo {
				x.push(echo(m))
			}
		}
	}
	return answer, later, shaken
}

// grant begins a session.
func (s *Server) grant(script script) *session {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.seq++
	x := &session{id: fmt.Sprintf("session%d", s.seq), script: script, over: make(chan struct{})}
	s.sessions[x.id] = x
	s.shakes = append(s.shakes, time.Now())
	return x
}

func (s *Server) find(m *bayeux.Message) *session {
	if m.Meta == nil {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.sessions[m.Meta.ClientID]
}

// echo is the event of a publish.
func echo(m *bayeux.Message) []byte {
	return fmt.Appendf(nil, `{"channel":%q,"data":%s}`, Channel, m.Data)
}
