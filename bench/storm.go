package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/turold/turold/client"
	"github.com/turold/turold/fallback"
)

// away is how long the server is gone.
const away = 2 * time.Second

// storm has sessions come back after the server restarted without them.
func storm(ctx context.Context, p params) (figures, error) {
	d := p.dialer(fallback.Auto, false)
	defer d.Close()
	var mu sync.Mutex
	var all []*session
	if err := many(p.N, func() error {
		s, err := p.begin(ctx, d, false)
		if err != nil {
			return err
		}
		mu.Lock()
		all = append(all, s)
		mu.Unlock()
		return s.reach(ctx, "websocket")
	}); err != nil {
		return nil, err
	}
	before := d.Stats()
	cpu := processorTime()
	if _, err := p.command(ctx, "restart?away="+away.String()); err != nil {
		return nil, err
	}
	back := time.Now().Add(away)
	var times spread
	for _, s := range all {
		if err := s.anew(ctx); err != nil {
			return nil, err
		}
		times = append(times, time.Since(back).Seconds())
	}
	spent := processorTime() - cpu
	busiest, err := p.command(ctx, "busiest")
	after := d.Stats()
	return figures{
		"all back s": times.at(1), "CPU s": spent.Seconds(), "busiest": busiest,
		"handshakes": float64(after.Handshakes-before.Handshakes) / float64(p.N),
		"failures":   float64(after.Failures-before.Failures) / float64(p.N),
	}, err
}

// anew waits until it is a new session that is connected.
func (s *session) anew(ctx context.Context) error {
	for begun := time.Now(); time.Since(begun) < 2*time.Minute; time.Sleep(5 * time.Millisecond) {
		if st := s.Status(); st.Session > 1 && st.State == client.StateConnected {
			return ctx.Err()
		}
	}
	return fmt.Errorf("not back within two minutes: %v", s.Status())
}

// command commands the server, and returns the number it says.
func (p params) command(ctx context.Context, what string) (float64, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+p.At.Plain+"/"+what, nil)
	if err != nil {
		return 0, err
	}
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		return 0, err
	}
	defer func() { _ = res.Body.Close() }()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		return 0, err
	}
	return strconv.ParseFloat(strings.TrimSpace(string(b)), 64)
}
