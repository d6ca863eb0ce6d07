package bayeuxtest

import (
	"encoding/json"
	"net/http"
	"sync"
	"time"

	"github.com/gorilla/websocket"

	"github.com/turold/turold/bayeux"
)

// Options are the settings of a server. A nil *Options is a zero one. They must not be
// changed after New. The server calls the hooks without a lock; they may block, and may
// call the methods of the server except Close.
type Options struct {
	Profile       Profile
	Dialect       *Dialect      // means nothing to Faye; nil: the profile's
	Timeout       time.Duration // how long a connect is held; 0: 20 s, on Lyrion 60 s, on Cumulocity 90 minutes
	MaxInterval   time.Duration // how long a session lives without a connect; 0: 10 s; on Faye always twice Timeout
	Interval      time.Duration // advised pause between connects
	NoAck         bool          // the acknowledgement extension is not offered
	NoWebSocket   bool          // upgrades are answered 400
	NoLongPolling bool          // everything but upgrades is answered 400
	MaxMessage    int           // bytes of a WebSocket message, beyond which it is closed with 1009; 0: 64 KiB, on Faye no bound

	// Request sees each HTTP request, upgrades included, before anything else.
	// It returns true if it has answered or hijacked it.
	Request func(w http.ResponseWriter, r *http.Request) bool
	// Take sees each frame or body before it is processed; a Take that sleeps delays it.
	Take func(ms []bayeux.Message)
	// Answer sees each frame or body before it is written. If it returns false
	// the connection is cut instead.
	Answer func(ms []bayeux.Message) bool
	// Rewrite sees each frame or body as it is about to be written, and returns what the
	// server writes in its place; nil: it writes nothing, and keeps the connection.
	Rewrite func(ms []bayeux.Message, body []byte) []byte
	// Authorize may refuse a handshake, subscribe or publish: the text, such as
	// "403::handshake_denied", becomes the error of the reply. Empty grants it.
	Authorize func(r *http.Request, m bayeux.Message) string
}

// Stats counts what a server saw.
type Stats struct {
	Requests, Upgrades                          int // HTTP requests, upgrades included
	Handshakes, Connects, Subscribes, Publishes int // messages, refused ones included
}

// A Server is a Bayeux server. Its methods are safe for concurrent use.
type Server struct {
	o Options
	d Dialect

	mu       sync.Mutex
	closed   bool
	stats    Stats
	sessions map[string]*Session
	sockets  []*socket // in the order in which they were opened
	polls    []*held   // that wait, superseded ones included
	calls    map[bayeux.Channel]Call
	wg       sync.WaitGroup
}

// A Call answers a message to a service channel: its result becomes the data of the
// reply. An error that is a *bayeux.Error is sent in its own words, any other as "500::"
// and its text. The server calls it without a lock.
type Call func(s *Session, m bayeux.Message) (any, error)

// New returns a server. The caller must close it.
func New(o *Options) *Server {
	s := &Server{sessions: map[string]*Session{}, calls: map[bayeux.Channel]Call{}}
	if o != nil {
		s.o = *o
	}
	if s.o.Timeout == 0 {
		s.o.Timeout = s.o.Profile.hold()
	}
	if s.o.MaxInterval == 0 {
		s.o.MaxInterval = 10 * time.Second
	}
	if s.o.MaxMessage == 0 && !s.faye() {
		s.o.MaxMessage = 64 << 10
	}
	if s.d = s.o.Profile.Dialect(); s.o.Dialect != nil {
		s.d = *s.o.Dialect
	}
	switch s.o.Profile {
	case Faye:
		s.o.NoAck = true
		s.o.MaxInterval = 2 * s.o.Timeout
	case Lyrion:
		s.o.NoAck, s.o.NoWebSocket = true, true
	}
	return s
}

func (s *Server) faye() bool { return s.o.Profile == Faye }

// Stats returns the counters as they are now.
func (s *Server) Stats() Stats {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.stats
}

// Handle makes f answer the messages to a service channel.
func (s *Server) Handle(ch bayeux.Channel, f Call) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls[ch] = f
}

// Publish sends data, as encoding/json marshals it, to every session that
// subscribed to the channel, once each. Its error is the marshaller's.
func (s *Server) Publish(ch bayeux.Channel, data any) error {
	raw, err := json.Marshal(data)
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.broadcast(s.event(ch, raw))
	return nil
}

// broadcast is called with the mutex held.
func (s *Server) broadcast(m outgoing) {
	for _, x := range s.sessions {
		if x.isSubscribed(m.Channel) {
			x.enqueue(m)
		}
	}
}

// Sessions returns the sessions that are alive, in no order.
func (s *Server) Sessions() []*Session {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []*Session
	for _, x := range s.sessions {
		out = append(out, x)
	}
	return out
}

// Forget removes a session without telling the client, as an expiry does; empty: every
// session. A connect that is held stays unanswered until its hold is over; Faye closes
// the socket.
func (s *Server) Forget(clientID string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for id, x := range s.sessions {
		if clientID == "" || id == clientID {
			x.remove()
		}
	}
}

// Disconnect ends a session by a /meta/disconnect of the server, with the advice not to
// connect again, if a connect is held; otherwise, and on Faye, it does what Forget does.
// Empty: every session.
func (s *Server) Disconnect(clientID string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for id, x := range s.sessions {
		if clientID == "" || id == clientID {
			x.disconnect()
		}
	}
}

// CutAll closes the connection of every socket and of every held poll, and keeps the
// sessions.
func (s *Server) CutAll() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, h := range s.polls {
		h.finish(nil, true)
	}
	for _, x := range s.sessions {
		x.dropHeldPoll()
	}
	for _, k := range s.sockets {
		k.cut()
	}
}

// Close ends every session and connection, as a server that is shut down does, and waits
// for every goroutine.
func (s *Server) Close() error {
	s.closeAll()
	s.wg.Wait()
	return nil
}

func (s *Server) closeAll() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	for _, h := range s.polls {
		h.finish(nil, s.faye() || s.d.CutWhenClosed)
	}
	for _, k := range s.sockets {
		if s.d.CloseWhenClosed {
			k.closeAfterWrites(websocket.CloseNoStatusReceived)
		} else {
			k.cut()
		}
	}
	for _, x := range s.sessions {
		x.dropHeldPoll()
		x.remove()
	}
}

// enter counts something that Close waits for; false: the server is closed.
func (s *Server) enter() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return false
	}
	s.wg.Add(1)
	return true
}
