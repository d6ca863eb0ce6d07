package bayeuxtest

import (
	"net/http"
	"time"

	"github.com/gorilla/websocket"

	"github.com/turold/turold/bayeux"
)

const writeWait = 10 * time.Second

// A socket is one WebSocket. Its reader is the goroutine of the request; a
// writer runs while there is something to write.
type socket struct {
	s    *Server
	conn *websocket.Conn

	// guarded by the server's mutex
	gone    bool
	out     [][]bayeux.Message // frames
	writing bool
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
	s.sockets[k] = struct{}{}
	s.mu.Unlock()
	k.read(r)
	k.end()
}

// read works on frames until the socket ends.
func (k *socket) read(r *http.Request) {
	from := &origin{r: r, sock: k}
	for !k.dead() {
		_, b, err := k.conn.ReadMessage()
		if err != nil {
			return
		}
		ms, err := bayeux.Decode(b, limits)
		if err == nil && k.s.o.Take != nil {
			k.s.o.Take(ms)
		}
		var o outcome
		if err == nil {
			o, err = k.s.process(from, ms)
		}
		if err != nil {
			if k.s.faye() {
				continue // Faye says nothing
			}
			k.refuse(websocket.CloseInternalServerErr, err.Error())
			return
		}
		k.s.mu.Lock()
		k.answer(o.events, o.replies)
		k.s.mu.Unlock()
	}
}

func (k *socket) dead() bool {
	k.s.mu.Lock()
	defer k.s.mu.Unlock()
	return k.gone
}

func (k *socket) refuse(code int, why string) {
	const most = 123 // RFC 6455 section 5.5
	msg := websocket.FormatCloseMessage(code, why[:min(len(why), most)])
	_ = k.conn.WriteControl(websocket.CloseMessage, msg, time.Now().Add(writeWait))
}

// end lets go of the socket. Its sessions live on: a held connect is over, and
// the clock starts.
func (k *socket) end() {
	k.s.mu.Lock()
	defer k.s.mu.Unlock()
	k.cut()
	delete(k.s.sockets, k)
	for _, x := range k.s.sessions {
		if h := x.held; h != nil && h.sock == k {
			h.timer.Stop()
			x.held = nil
			x.rest()
		}
		if x.sock == k {
			x.sock = nil
		}
	}
}

// What follows is called with the server's mutex held.

// cut breaks the connection.
func (k *socket) cut() {
	k.gone = true
	_ = k.conn.NetConn().Close()
}

// answer sends events, one a frame, and then all replies in one; on Faye the
// replies come first.
func (k *socket) answer(events, replies []bayeux.Message) {
	if k.s.faye() {
		k.frame(replies)
		k.push(events)
		return
	}
	k.push(events)
	k.frame(replies)
}

// push sends events as CometD does, one a frame.
func (k *socket) push(events []bayeux.Message) {
	for i := range events {
		k.frame(events[i : i+1])
	}
}

func (k *socket) frame(ms []bayeux.Message) {
	if len(ms) == 0 || k.gone {
		return
	}
	k.out = append(k.out, ms)
	if !k.writing {
		k.writing = true
		k.s.wg.Go(k.write)
	}
}

// write empties the queue.
func (k *socket) write() {
	for {
		k.s.mu.Lock()
		frames := k.out
		k.out = nil
		if len(frames) == 0 || k.gone {
			k.writing = false
			k.s.mu.Unlock()
			return
		}
		k.s.mu.Unlock()
		for _, ms := range frames {
			if k.s.o.Answer != nil && !k.s.o.Answer(ms) || !k.send(ms) {
				k.s.mu.Lock()
				k.cut()
				k.s.mu.Unlock()
				break
			}
		}
	}
}

func (k *socket) send(ms []bayeux.Message) bool {
	_ = k.conn.SetWriteDeadline(time.Now().Add(writeWait))
	return k.conn.WriteMessage(websocket.TextMessage, bayeux.Append(nil, ms)) == nil
}
