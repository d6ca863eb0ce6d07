package bayeuxtest

import (
	"context"
	"crypto/rand"
	"io"
	"net/http"

	"github.com/gorilla/websocket"

	"github.com/turold/turold/bayeux"
)

// cookie ties a session to the one who began it, by long-polling.
const cookie = "BAYEUX_BROWSER"

// limits are generous: a server of one's own is trusted.
var limits = bayeux.Limits{Bytes: 16 << 20, Messages: 100_000}

func newBrowser() string { return rand.Text() }

// ServeHTTP serves both transports, on any path.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !s.enter() {
		http.Error(w, "closed", http.StatusServiceUnavailable)
		return
	}
	defer s.wg.Done()
	upgrade := websocket.IsWebSocketUpgrade(r)
	s.note(func(st *Stats) {
		st.Requests++
		if upgrade {
			st.Upgrades++
		}
	})
	if s.o.Request != nil && s.o.Request(w, r) {
		return
	}
	switch {
	case upgrade && s.o.NoWebSocket, !upgrade && s.o.NoLongPolling:
		http.Error(w, "Unknown Bayeux Transport", http.StatusBadRequest)
	case upgrade:
		s.serveSocket(w, r)
	case r.Method != http.MethodPost:
		http.Error(w, "Unknown Bayeux Transport", http.StatusBadRequest)
	default:
		s.servePoll(w, r)
	}
}

func (s *Server) servePoll(w http.ResponseWriter, r *http.Request) {
	b, err := io.ReadAll(http.MaxBytesReader(w, r.Body, int64(limits.Bytes)))
	if err != nil {
		return
	}
	ms, err := bayeux.Decode(b, limits)
	if err != nil {
		http.Error(w, "bad JSON", http.StatusBadRequest)
		return
	}
	if s.o.Take != nil {
		s.o.Take(ms)
	}
	from := &origin{r: r}
	if c, err := r.Cookie(cookie); err == nil {
		from.browser = c.Value
	}
	o, err := s.process(from, ms)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	if o.browser != "" && o.browser != from.browser && !s.faye() {
		http.SetCookie(w, &http.Cookie{Name: cookie, Value: o.browser, Path: "/", HttpOnly: true})
	}
	a := answer{ms: s.body(o.events, o.replies)}
	if o.held != nil {
		a = s.await(r.Context(), o.held)
	}
	s.write(w, a)
}

// await waits for the end of a held poll. One whose client is gone, or that
// Faye has superseded, may have none but the server's own.
func (s *Server) await(ctx context.Context, h *held) answer {
	s.mu.Lock()
	s.polls[h] = struct{}{}
	if s.closed {
		h.finish(nil, true)
	}
	s.mu.Unlock()
	defer func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.polls, h)
	}()
	select {
	case a := <-h.result:
		return a
	case <-ctx.Done():
		return answer{cut: true}
	}
}

func (s *Server) write(w http.ResponseWriter, a answer) {
	if a.ms == nil && !a.cut {
		http.Error(w, "Error 500 Server Error", http.StatusInternalServerError)
		return
	}
	if a.cut || s.o.Answer != nil && !s.o.Answer(a.ms) {
		panic(http.ErrAbortHandler)
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(bayeux.Append(nil, a.ms))
}
