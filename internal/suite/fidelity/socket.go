package fidelity

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/gorilla/websocket"
	"github.com/stretchr/testify/require"
)

// A socket is a client on one WebSocket.
type socket struct {
	conn   *websocket.Conn
	frames chan string // as they come; closed behind the last
	over   bool
}

func newSocket(s *stage) *socket {
	k := &socket{frames: make(chan string, 1000)}
	d := websocket.Dialer{NetDialContext: s.lab.DialContext}
	ctx, cancel := context.WithTimeout(s.Context(), 30*time.Second)
	defer cancel()
	conn, resp, err := d.DialContext(ctx, strings.Replace(s.server.URL(), "http", "ws", 1), nil)
	require.NoError(s, err)
	_ = resp.Body.Close()
	k.conn = conn
	go k.read()
	return k
}

func (k *socket) read() {
	defer close(k.frames)
	for {
		_, b, err := k.conn.ReadMessage()
		if err == nil {
			k.frames <- string(b)
			continue
		}
		var closed *websocket.CloseError
		if errors.As(err, &closed) && closed.Code != websocket.CloseAbnormalClosure {
			k.frames <- fmt.Sprintf("close %d", closed.Code)
		} else {
			k.frames <- "EOF"
		}
		return
	}
}

func (k *socket) send(s *stage, body string) *exchange {
	k.pushed(s, 0)
	if k.over { // as a client would, on another socket
		k.close()
		*k = *newSocket(s)
	}
	if err := k.conn.WriteMessage(websocket.TextMessage, []byte(body)); err != nil {
		k.over = true
	}
	return &exchange{at: time.Now()}
}

func (k *socket) finish(s *stage, x *exchange, longest time.Duration) {
	late := time.After(longest)
	missing := map[string]bool{}
	for _, id := range x.ids {
		if !s.told[id] {
			missing[id] = true
		}
	}
	for !k.over && (len(missing) > 0 || len(x.ids) == 0) {
		select {
		case frame, ok := <-k.frames:
			k.tell(s, frame, ok, missing)
			if len(x.ids) == 0 {
				return
			}
		case <-late:
			s.printf("< no answer")
			return
		}
	}
}

// tell writes a frame down, and takes the ids it answers from the missing.
func (k *socket) tell(s *stage, frame string, ok bool, missing map[string]bool) {
	k.over = k.over || !ok || strings.HasPrefix(frame, "close ") || frame == "EOF"
	if !ok {
		return
	}
	held := ""
	ms, _ := decode(frame)
	for _, m := range ms {
		id, _ := m["id"].(string)
		if _, reply := m["successful"]; reply {
			delete(missing, id)
			s.told[id] = true
			if at, ok := s.sent[id]; ok {
				held = took(time.Since(at))
			}
		}
	}
	s.printf("< %s%s", s.normal(frame), held)
}

func (k *socket) pushed(s *stage, d time.Duration) {
	for time.Sleep(d); !k.over; {
		select {
		case frame, ok := <-k.frames:
			k.tell(s, frame, ok, nil)
		default:
			return
		}
	}
}

// take reads so many frames, and one more that it does not tell: only with that
// is it sure that the server has begun its answer, and counted it.
func (k *socket) take(s *stage, frames int) {
	late := time.After(patience)
	for n := range frames + 1 {
		select {
		case frame, ok := <-k.frames:
			if n < frames {
				k.tell(s, frame, ok, nil)
			}
		case <-late:
			return
		}
	}
}

func (k *socket) idle() {}

func (k *socket) close() {
	_ = k.conn.Close()
	for range k.frames { // until the reader is gone
		continue
	}
}
