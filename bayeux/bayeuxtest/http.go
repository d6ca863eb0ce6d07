package bayeuxtest

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"

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
	s.count(func(st *Stats) {
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
		s.page(w, http.StatusBadRequest)
	case upgrade:
		s.serveSocket(w, r)
	case s.faye() && (r.Method != http.MethodPost || !isJSON(r)):
		http.Error(w, "Bad request", http.StatusBadRequest)
	case r.Method == http.MethodGet:
		s.page(w, http.StatusBadRequest)
	case r.Method != http.MethodPost:
		w.WriteHeader(http.StatusBadRequest)
	default:
		s.servePoll(w, r)
	}
}

func isJSON(r *http.Request) bool {
	kind, _, _ := strings.Cut(r.Header.Get("Content-Type"), ";")
	return kind == "application/json"
}

// page is an error as a servlet container shows it.
func (s *Server) page(w http.ResponseWriter, status int) {
	w.Header().Set("Content-Type", "text/html;charset=iso-8859-1")
	w.WriteHeader(status)
	_, _ = fmt.Fprintf(w, "<html><body><h2>HTTP ERROR %d</h2></body></html>", status)
}

// fail answers a batch that was not taken, or a poll that another superseded.
func (s *Server) fail(w http.ResponseWriter, r *http.Request, err error) {
	status := http.StatusInternalServerError
	switch {
	case errors.Is(err, errMute):
		s.waitForEnd(r.Context())
		panic(http.ErrAbortHandler)
	case errors.Is(err, errNothing):
		return
	case errors.Is(err, errNotJSON):
		status = http.StatusBadRequest
	}
	switch {
	case s.faye():
		http.Error(w, "Bad request", status)
	case s.d.BarePages:
		w.WriteHeader(status)
	default:
		s.page(w, status)
	}
}

// waitForEnd waits until the client or the server gives up.
func (s *Server) waitForEnd(ctx context.Context) {
	s.await(ctx, &held{result: make(chan answer, 1)})
}

func (s *Server) servePoll(w http.ResponseWriter, r *http.Request) {
	b, err := io.ReadAll(http.MaxBytesReader(w, r.Body, int64(limits.Bytes)))
	if err != nil {
		return
	}
	in, err := s.parse(b, false)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	if s.o.Take != nil {
		s.o.Take(in.ms)
	}
	from := &origin{r: r}
	if s.faye() {
		h := &held{result: make(chan answer, 1)}
		s.processFaye(from, in, func(replies []outgoing) { h.finish(replies, false) })
		s.write(w, r, s.await(r.Context(), h))
		return
	}
	if c, err := r.Cookie(cookie); err == nil {
		from.browser = c.Value
	}
	o, err := s.process(from, in)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	if o.browser != "" && o.browser != from.browser && !s.d.NoCookie {
		http.SetCookie(w, &http.Cookie{Name: cookie, Value: o.browser, Path: "/", HttpOnly: true})
	}
	a := answer{ms: s.join(o.events, o.replies)}
	if o.held != nil {
		a = s.await(r.Context(), o.held)
	}
	s.write(w, r, a)
}

// await waits for the end of a held poll. One whose client is gone, or that
// Faye has superseded, may have none but the server's own.
func (s *Server) await(ctx context.Context, h *held) answer {
	s.mu.Lock()
	s.polls = append(s.polls, h)
	if s.closed {
		h.finish(nil, true)
	}
	s.mu.Unlock()
	defer func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.polls = slices.DeleteFunc(s.polls, func(x *held) bool { return x == h })
	}()
	select {
	case a := <-h.result:
		return a
	case <-ctx.Done():
		return answer{cut: true}
	}
}

func (s *Server) write(w http.ResponseWriter, r *http.Request, a answer) {
	if a.ms == nil && !a.cut {
		s.fail(w, r, errViolation)
		return
	}
	if a.cut || s.o.Answer != nil && !s.o.Answer(messagesOf(a.ms)) {
		panic(http.ErrAbortHandler)
	}
	body := s.encode(a.ms)
	if body == nil {
		s.fail(w, r, errMute)
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(body)
}
