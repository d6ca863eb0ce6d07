package attacks

import (
	"bufio"
	"context"
	"crypto/sha1"
	"encoding/base64"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// A Server is honest but for one attack. Its methods are safe for concurrent use.
type Server struct {
	attack   Attack
	l, other net.Listener
	wg       sync.WaitGroup
	quit     chan struct{}

	mu     sync.Mutex
	closed bool
	conns  map[net.Conn]bool
	seen   Seen
}

// Seen is what a server was told.
type Seen struct {
	Strikes    int      // of the attack, begun
	Messages   int      // of the client, that were answered
	Handshakes int      // of these
	Misnamed   int      // of these, under a clientId that the honest server never gave
	Elsewhere  int      // connections to the other origin, which nothing but the attack names
	Heads      []string // of the HTTP requests, the last hundred, as they came
}

// Start serves an attack on the loopback interface, until Close.
func Start(a Attack) (*Server, error) {
	s := &Server{attack: a, quit: make(chan struct{}), conns: map[net.Conn]bool{}}
	var err error
	var on net.ListenConfig
	if s.l, err = on.Listen(context.Background(), "tcp", "127.0.0.1:0"); err != nil {
		return nil, err
	}
	if s.other, err = on.Listen(context.Background(), "tcp", "127.0.0.1:0"); err != nil {
		s.l.Close()
		return nil, err
	}
	s.accept(s.l, s.serve)
	s.accept(s.other, func(net.Conn) {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.seen.Elsewhere++
	})
	return s, nil
}

// Addr is where it listens.
func (s *Server) Addr() string { return s.l.Addr().String() }

// Seen is what there was so far.
func (s *Server) Seen() Seen {
	s.mu.Lock()
	defer s.mu.Unlock()
	seen := s.seen
	seen.Heads = slices.Clone(seen.Heads)
	return seen
}

// Close cuts every connection and waits for all that runs. It is called once.
func (s *Server) Close() {
	s.l.Close()
	s.other.Close()
	s.mu.Lock()
	s.closed = true
	close(s.quit)
	for c := range s.conns {
		c.Close()
	}
	s.mu.Unlock()
	s.wg.Wait()
}

func (s *Server) accept(l net.Listener, f func(net.Conn)) {
	s.wg.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			s.mu.Lock()
			s.conns[c] = true
			if s.closed {
				c.Close()
			}
			s.mu.Unlock()
			s.wg.Go(func() {
				f(c)
				c.Close()
				s.mu.Lock()
				defer s.mu.Unlock()
				delete(s.conns, c)
			})
		}
	})
}

// serve answers requests on a connection.
func (s *Server) serve(c net.Conn) {
	in := bufio.NewReader(c)
	for {
		r, err := s.request(in)
		if err != nil {
			return
		}
		switch {
		case r.Method == http.MethodConnect:
			s.strike(c, s.attack.Payload)
			return
		case r.Header.Get("Upgrade") != "":
			s.upgrade(c, in, r)
			return
		default:
			b, err := io.ReadAll(r.Body)
			if err != nil || !s.post(c, messages(b)) {
				return
			}
		}
	}
}

// sleep waits, but not beyond Close.
func (s *Server) sleep(d time.Duration) {
	select {
	case <-time.After(d):
	case <-s.quit:
	}
}

// request reads the head of a request and keeps it as it came.
func (s *Server) request(in *bufio.Reader) (*http.Request, error) {
	var raw strings.Builder
	for !strings.HasSuffix(raw.String(), "\r\n\r\n") {
		line, err := in.ReadString('\n')
		if err != nil {
			return nil, err
		}
		raw.WriteString(line)
	}
	s.mu.Lock()
	s.seen.Heads = append(s.seen.Heads[max(len(s.seen.Heads)-99, 0):], raw.String())
	s.mu.Unlock()
	return http.ReadRequest(bufio.NewReader(io.MultiReader(strings.NewReader(raw.String()), in)))
}

// due is the message that the attack strikes at, if it is in ms.
func (s *Server) due(ms []message, places ...Place) (message, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !slices.Contains(places, s.attack.Place) || s.attack.Times > 0 && s.seen.Strikes >= s.attack.Times {
		return message{}, false
	}
	for _, m := range ms {
		if m.Channel == s.attack.On {
			return m, true
		}
	}
	return message{}, false
}

// strike says a payload on a raw connection, and counts it.
func (s *Server) strike(w io.Writer, p Payload) {
	_ = s.filled(p).writeTo(w)
	if c, ok := w.(net.Conn); ok && p.Hang {
		_, _ = io.Copy(io.Discard, c)
	}
}

func (s *Server) filled(p Payload, names ...string) Payload {
	s.mu.Lock()
	s.seen.Strikes++
	n := s.seen.Strikes
	s.mu.Unlock()
	return p.fill(append(names, "{other}", s.other.Addr().String(), "{1}", strconv.Itoa(n))...)
}

// body is the payload of an attack on a message, in JSON.
func (s *Server) body(m message, replies []string) Payload {
	others := ""
	for _, r := range replies {
		if !strings.Contains(r, fmt.Sprintf(`"id":%q`, m.ID)) {
			others += r + ","
		}
	}
	return s.filled(s.attack.Payload, "{id}", m.ID, "{client}", clientID, "{others}", others, "{honest}", strings.Join(replies, ","))
}

// post answers a POST, and reports whether the connection may be used again.
func (s *Server) post(c net.Conn, ms []message) bool {
	replies, hold := s.honest(ms)
	m, due := s.due(ms, AsBody, AsAnswer)
	if !due {
		s.sleep(hold)
		return say(c, answer(batch(replies))) == nil
	}
	if s.attack.Place == AsBody {
		p := s.body(m, replies)
		length := "Connection: close"
		if n := p.size(); n >= 0 {
			length = "Content-Length: " + strconv.Itoa(n)
		}
		p.Head = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n" + length + "\r\n\r\n" + p.Head
		return p.writeTo(c) == nil && p.Times != Endless
	}
	if s.attack.Beside == After {
		p := s.filled(s.attack.Payload)
		p.Head = answer(batch(replies)) + p.Head
		return p.writeTo(c) == nil
	}
	s.strike(c, s.attack.Payload.fill("{answer}", withLength(batch(replies))))
	return strings.HasSuffix(s.attack.Tail, "{answer}") || s.attack.Beside == Before && say(c, answer(batch(replies))) == nil
}

// answer is an HTTP answer in order.
func answer(body string) string { return ok + withLength(body) }

func withLength(body string) string {
	return fmt.Sprintf("Content-Length: %d\r\n\r\n%s", len(body), body)
}

func accept(r *http.Request) string {
	sum := sha1.Sum([]byte(r.Header.Get("Sec-WebSocket-Key") + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"))
	return base64.StdEncoding.EncodeToString(sum[:])
}
