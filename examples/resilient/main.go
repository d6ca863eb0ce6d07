// Resilient is a small service that follows a stock by its events, through
// whatever happens to its session: connections that break, a server that
// forgets it, a server that sends it away. It shows what an application does
// about it, and what the library does by itself:
//
//   - a gap means that events may be missing, so the service asks for the whole
//     stock again (a remote call) and goes on from there;
//   - a session that the server ended for good is not begun anew by the library,
//     so the service supervises it;
//   - Status says where the session stands, to a health check; Trace tells the
//     service's own metrics; the logger tells people;
//   - what was learnt of the network is kept for the next start.
//
// The server is in the same process, and is made to misbehave.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log"
	"log/slog"
	"os"
	"path/filepath"
	"sync/atomic"
	"time"

	"github.com/turold/turold/client"
	"github.com/turold/turold/fallback"
)

// A Sale is an event: so many were sold, and so many are left.
type Sale struct{ Sold, Left int }

func main() {
	if err := run(); err != nil {
		log.Fatal(err)
	}
}

func run() error {
	s, err := openShop()
	if err != nil {
		return err
	}
	defer s.close()

	logger := slog.New(slog.NewTextHandler(os.Stdout, &slog.HandlerOptions{ReplaceAttr: withoutTime}))
	w := &watcher{url: s.server.URL, logger: logger}
	dir, err := os.MkdirTemp("", "resilient-") // a real service keeps its state for longer
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	file := filepath.Join(dir, "ways.json")
	memory := new(fallback.Memory)
	if saved, err := os.ReadFile(file); err == nil {
		_ = json.Unmarshal(saved, memory) // what it cannot use it leaves out
	}
	// What sessions share is in one Dialer for the life of the service. The
	// functions of a Trace run on the transport's goroutines: they count.
	w.dialer = &client.Dialer{Logger: logger, Policy: fallback.Policy{Memory: memory}, Trace: &client.Trace{
		Exchange: func(_ *client.Client, x client.Exchange) {
			if x.Err != nil {
				w.failed.Add(1)
			}
		},
		Gap: func(*client.Client, *client.GapError) { w.gaps.Add(1) },
	}}
	defer w.dialer.Close()

	ctx, stop := context.WithTimeout(context.Background(), time.Minute)
	defer stop()
	go func() {
		defer stop()
		s.misbehave(ctx)
		for w.left.Load() != s.left.Load() && ctx.Err() == nil { // what is on its way arrives
			time.Sleep(10 * time.Millisecond)
		}
	}()
	go w.health(ctx)
	w.supervise(ctx)

	saved, err := json.Marshal(memory)
	if err != nil {
		return err
	}
	if err := os.WriteFile(file, saved, 0o600); err != nil {
		return err
	}
	fmt.Printf("left: %d; sessions: %d, gaps: %d, failed exchanges: %d\n", w.left.Load(), w.sessions.Load(), w.gaps.Load(), w.failed.Load())
	if left := s.left.Load(); w.left.Load() != left {
		return fmt.Errorf("the shop has %d left", left)
	}
	return nil
}

// A watcher is the service.
type watcher struct {
	url    string
	dialer *client.Dialer
	logger *slog.Logger

	current                atomic.Pointer[client.Client]
	left                   atomic.Int64
	sessions, gaps, failed atomic.Int64
}

// supervise keeps a session until the context ends. Outages never come here:
// the client outlasts them by itself, however long they are.
func (w *watcher) supervise(ctx context.Context) {
	for pause := time.Second; ; pause = min(2*pause, time.Minute) {
		begun := time.Now()
		err := w.follow(ctx)
		if ctx.Err() != nil {
			return
		}
		if time.Since(begun) > time.Minute {
			pause = time.Second
		}
		w.logger.Warn("the session is over", "reason", err, "again in", pause)
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return
		}
	}
}

// follow is one session, until it ends for good.
func (w *watcher) follow(ctx context.Context) error {
	// KeepDialing: a server that is down when the service starts is an outage too.
	c, err := w.dialer.Dial(ctx, w.url, &client.Options{KeepDialing: true})
	if err != nil {
		return err
	}
	defer c.Close()
	w.current.Store(c)
	w.sessions.Add(1)
	// The stock counts, not each sale: if the service is too slow for them, the
	// oldest may go.
	sales, err := c.Subscribe(ctx, "/sales", &client.SubscribeOptions{Queue: client.Bound{Messages: 1000}, WhenFull: client.QueueDropOldest})
	if err != nil {
		return err
	}
	if err := w.reload(ctx, c); err != nil { // what was sold before the subscription
		return err
	}
	for item, err := range client.Values[Sale](sales.Messages(ctx)) {
		if err != nil {
			return err
		}
		if sale, ok := item.Value(); ok {
			w.left.Store(int64(sale.Left))
		} else if misfit := item.Misfit(); misfit != nil {
			w.logger.Warn("passed over", "reason", misfit)
		} else if err := w.reload(ctx, c); err != nil { // a gap
			return err
		}
	}
	return nil
}

// reload asks for the whole truth.
func (w *watcher) reload(ctx context.Context, c *client.Client) error {
	m, err := c.Call(ctx, "stock", nil)
	var open *client.OutcomeError
	if errors.As(err, &open) && open.Sent && c.Err() == nil && ctx.Err() == nil {
		return w.reload(ctx, c) // no answer came: asking twice does no harm
	}
	if err != nil {
		return err
	}
	var left int64
	if err := json.Unmarshal(m.Data, &left); err != nil {
		return err
	}
	w.left.Store(left)
	return nil
}

// health is what a health endpoint would tell.
func (w *watcher) health(ctx context.Context) {
	for tick := time.NewTicker(time.Second); ; {
		select {
		case <-ctx.Done():
			tick.Stop()
			return
		case <-tick.C:
		}
		if c := w.current.Load(); c != nil {
			s := c.Status()
			fmt.Printf("health: ok=%v, %v for %v\n", s.State == client.StateConnected, s, time.Since(s.Since).Round(time.Second))
		}
	}
}

func withoutTime(groups []string, a slog.Attr) slog.Attr {
	if len(groups) == 0 && a.Key == slog.TimeKey {
		return slog.Attr{}
	}
	return a
}
