package bayeuxtest

import (
	"errors"
	"net/http"
	"slices"
	"time"

	"github.com/gorilla/websocket"

	"github.com/turold/turold/bayeux"
)

const writeTimeout = 10 * time.Second

// A socket is one WebSocket. Its reader is the goroutine of the request; a
// writer runs while there is something to write.
type socket struct {
	s    *Server
	conn *websocket.Conn

	// guarded by the server's mutex
	gone    bool
	out     [][]outgoing // frames
	writing bool
	closing int    // the code that follows them; 0: none
	client  string // on Faye: whose socket it is
}

func (s *Server) serveSocket(w http.ResponseWriter, r *http.Request) {
	up := websocket.Upgrader{ReadBufferSize: 4096, WriteBufferSize: 4096, CheckOrigin: func(*http.Request) bool { return true }}
	conn, err := up.Upgrade(w, r, nil)
	if err != nil {
		return
	}
	conn.SetReadLimit(int64(s.o.MaxMessage))
	k := &socket{s: s, conn: conn}
	s.mu.Lock()
	k.gone = s.closed
	s.sockets = append(s.sockets, k)
	s.mu.Unlock()
	k.read(r)
	k.end()
}

// read works on frames until the socket ends.
func (k *socket) read(r *http.Request) {
	from := &origin{r: r, sock: k}
	for !k.isGone() {
		_, b, err := k.conn.ReadMessage()
		if err != nil {
			return
		}
		in, err := k.s.parse(b, true)
		if err == nil && k.s.o.Take != nil {
			k.s.o.Take(in.ms)
		}
		switch {
		case err == nil && k.s.faye():
			k.s.processFaye(from, in, k.frame)
		case err == nil:
			_, err = k.s.process(from, in)
		}
		if err != nil && !errors.Is(err, errNothing) && !k.s.faye() { // Faye says nothing
			k.refuse(websocket.CloseInternalServerErr, err.Error())
			return
		}
	}
}

func (k *socket) isGone() bool {
	k.s.mu.Lock()
	defer k.s.mu.Unlock()
	return k.gone
}

func (k *socket) refuse(code int, why string) {
	const most = 123 // RFC 6455 section 5.5
	msg := websocket.FormatCloseMessage(code, why[:min(len(why), most)])
	_ = k.conn.WriteControl(websocket.CloseMessage, msg, time.Now().Add(writeTimeout))
	_ = k.conn.NetConn().Close()
}

// end removes the socket. Its sessions live on: a held connect is over, and their time
// without a connect begins.
func (k *socket) end() {
	k.s.mu.Lock()
	defer k.s.mu.Unlock()
	k.cut()
	k.s.sockets = slices.DeleteFunc(k.s.sockets, func(x *socket) bool { return x == k })
	for _, x := range k.s.sessions {
		if h := x.held; h != nil && h.sock == k {
			h.timer.Stop()
			x.held = nil
			x.startExpiry()
		}
		if x.sock == k {
			x.sock = nil
		}
		if x.faye != nil && x.faye.sock == k {
			x.detach()
		}
	}
}

// What follows is called with the server's mutex held.

// cut breaks the connection.
func (k *socket) cut() {
	k.gone = true
	_ = k.conn.NetConn().Close()
}

// closeAfterWrites closes the socket after the frames that wait to be written.
func (k *socket) closeAfterWrites(code int) {
	k.closing = code
	k.flush()
}

// answer sends events, one a frame, and then all replies in one.
func (k *socket) answer(events []outgoing, replies []bayeux.Message) {
	k.push(events)
	if len(replies) > 0 {
		k.frame(k.s.join(nil, replies))
	}
}

// push sends events as servers do, one a frame.
func (k *socket) push(events []outgoing) {
	for i := range events {
		k.frame(events[i : i+1])
	}
}

func (k *socket) frame(ms []outgoing) {
	k.out = append(k.out, ms)
	k.flush()
}

// flush starts a writer for the frames that wait, unless one runs.
func (k *socket) flush() {
	if !k.writing && !k.gone {
		k.writing = true
		k.s.wg.Go(k.write)
	}
}

// write writes the frames that wait, until there is none.
func (k *socket) write() {
	for {
		k.s.mu.Lock()
		frames, code := k.out, k.closing
		k.out = nil
		if len(frames) == 0 || k.gone {
			k.writing = false
			k.gone = k.gone || code != 0
			k.s.mu.Unlock()
			if code != 0 {
				k.refuse(code, "")
			}
			return
		}
		k.s.mu.Unlock()
		for _, ms := range frames {
			if k.s.o.Answer != nil && !k.s.o.Answer(messagesOf(ms)) || !k.send(ms) {
				k.s.mu.Lock()
				k.cut()
				k.s.mu.Unlock()
				break
			}
		}
	}
}

func (k *socket) send(ms []outgoing) bool {
	body := k.s.encode(ms)
	if body == nil {
		return true
	}
	_ = k.conn.SetWriteDeadline(time.Now().Add(writeTimeout))
	return k.conn.WriteMessage(websocket.TextMessage, body) == nil
}
