// Backend is the service of a mobile or web application that keeps one Bayeux
// session for each user who is there, and passes the user's events on to the
// user's devices as Server-Sent Events.
//
//	go run ./examples/backend
//
// runs it with a Bayeux server in this process, has two users talk, shows what
// becomes of idle ones and of a session that the server forgot, drains, and ends.
//
//	go run ./examples/backend -serve -listen 127.0.0.1:8080 [-server URL]
//
// serves until SIGTERM or an interrupt, with a page at /. README.md beside this file says
// what to copy, what to size, and how it behaves when something fails.
package main

import (
	"context"
	"crypto/rand"
	"flag"
	"fmt"
	"log"
	"log/slog"
	"net"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/turold/turold/client"
)

func main() {
	log.SetFlags(0)
	var (
		serves = flag.Bool("serve", false, "serve until SIGTERM; without it: a demonstration that ends by itself")
		listen = flag.String("listen", "127.0.0.1:8080", "host and port to serve on")
		server = flag.String("server", "", "URL of the Bayeux server; empty: one in this process")
		most   = flag.Int("users", 10_000, "sessions at once")
		idle   = flag.Duration("idle", 5*time.Minute, "how long a session is kept without a stream")
		within = flag.Duration("drain", 15*time.Second, "time to drain in")
	)
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // a second signal kills
	var err error
	if *serves {
		err = serve(ctx, *listen, *server, limits{users: *most, streams: 4, idle: *idle}, *within)
	} else {
		err = demonstrate(ctx)
	}
	if err != nil {
		log.Fatal(err)
	}
}

// newKey is what signs. BACKEND_KEY is shared by the instances of a service, so
// that a cookie holds with each and after a restart.
func newKey() signer {
	if key := os.Getenv("BACKEND_KEY"); key != "" {
		return signer(key)
	}
	return signer(rand.Text())
}

// serve runs the service until the context ends, and then drains it.
func serve(ctx context.Context, listen, server string, most limits, within time.Duration) error {
	key := newKey()
	if server == "" {
		bus, err := startBus(ctx, key)
		if err != nil {
			return err
		}
		defer bus.Close()
		server = bus.URL
	}
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", listen)
	if err != nil {
		return err
	}
	logger := slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))
	s := newService(&client.Dialer{Logger: logger}, server, key, most)
	failed := make(chan error, 1)
	go func() { failed <- s.http.Serve(l) }()
	fmt.Printf("serving on http://%s/, the Bayeux server is %s\n", l.Addr(), server)
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	}
	fmt.Println("draining")
	begun := time.Now()
	drained, cancel := context.WithTimeout(context.Background(), within)
	defer cancel()
	if err := s.drain(drained); err != nil {
		return fmt.Errorf("not all was drained: %w", err)
	}
	fmt.Printf("drained in %v\n", time.Since(begun).Round(time.Millisecond))
	return nil
}
