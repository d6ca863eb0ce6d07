package main

import (
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"time"
)

// events is a device's stream.
func (s *service) events(w http.ResponseWriter, r *http.Request, name string) {
	u, st, err := s.users.open(r.Context(), name)
	if err != nil {
		refuse(w, err)
		return
	}
	defer s.users.leave(u, st)
	h := w.Header()
	h.Set("Content-Type", "text/event-stream")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Accel-Buffering", "no")                          // nginx
	_, _ = fmt.Fprintf(w, "retry: %d\n\n", 1000+rand.N(4000)) // devices come back, and not all at once
	rc := http.NewResponseController(w)
	beat := time.NewTicker(heartbeat)
	defer beat.Stop()
	for {
		if rc.Flush() != nil {
			return
		}
		var e event
		open := true
		select {
		case e, open = <-st.events:
		case <-beat.C:
		case <-r.Context().Done():
			return
		}
		_ = rc.SetWriteDeadline(time.Now().Add(writeTime))
		if !open || write(w, e) != nil {
			return
		}
	}
}

// write writes an event as the HTML standard has it, section 9.2; without data
// a comment.
func write(w io.Writer, e event) (err error) {
	switch {
	case e.data == nil:
		_, err = io.WriteString(w, ":\n\n")
	case e.kind == "":
		_, err = fmt.Fprintf(w, "data: %s\n\n", e.data)
	default:
		_, err = fmt.Fprintf(w, "event: %s\ndata: %s\n\n", e.kind, e.data)
	}
	return err
}

// Health is what the health endpoint tells.
type Health struct {
	Draining   bool   `json:"draining"`
	Users      int    `json:"users"`
	Streams    int    `json:"streams"`
	Sessions   int    `json:"sessions"` // with the Bayeux server
	Handshakes uint64 `json:"handshakes"`
	Failures   uint64 `json:"failures"` // of connections: an outage counts as many as there were attempts
	Delivered  uint64 `json:"delivered"`
	Passed     int64  `json:"passed"` // to users, each once however many streams
	Gaps       int64  `json:"gaps"`
	Shed       int64  `json:"shed"` // sessions of idle users
	Slow       int64  `json:"slow"` // streams that were cut off
	Full       int64  `json:"full"` // refused by a limit
}

func (s *service) report() Health {
	us := &s.users
	d := us.dialer.Stats()
	n, streams := us.count()
	return Health{Draining: s.users.drains(), Users: n, Streams: streams, Sessions: d.Sessions,
		Handshakes: d.Handshakes, Failures: d.Failures, Delivered: d.Delivered,
		Passed: us.counts.passed.Load(), Gaps: us.counts.gaps.Load(), Shed: us.counts.shed.Load(),
		Slow: us.counts.slow.Load(), Full: us.counts.full.Load()}
}

// health is 503 while the service drains, so that a load balancer sends it no
// more requests. An outage of the Bayeux server is no reason: another
// instance has it too.
func (s *service) health(w http.ResponseWriter, _ *http.Request) {
	h := s.report()
	w.Header().Set("Content-Type", "application/json")
	if h.Draining {
		w.WriteHeader(http.StatusServiceUnavailable)
	}
	_ = json.NewEncoder(w).Encode(h)
}
