// Proxy shows a session that moves: a reverse proxy stands between a client and
// a server, and first lets WebSockets pass, then cuts and refuses them, then
// swallows what they carry, and lets them pass again. A subscriber counts the
// events of the server meanwhile, and sees each once and in order.
package main

import (
	"context"
	"fmt"
	"log"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"time"

	"github.com/turold/turold/bayeux/bayeuxtest"
	"github.com/turold/turold/client"
	"github.com/turold/turold/fallback"
)

func main() {
	if err := run(); err != nil {
		log.Fatal(err)
	}
}

func run() error {
	ctx, stop := context.WithTimeout(context.Background(), time.Minute)
	defer stop()
	server, err := bayeuxtest.Start(nil)
	if err != nil {
		return err
	}
	defer server.Close()
	g, err := openGate(server.URL)
	if err != nil {
		return err
	}
	defer g.close()

	// The decisions of the transport are told as they are made.
	d := &client.Dialer{Trace: &client.Trace{Transport: func(_ *client.Client, d fallback.Decision) {
		fmt.Printf("session: from %q to %q: %s\n", d.From, d.To, d.Reason)
	}}}
	defer d.Close()
	c, err := d.Dial(ctx, g.url, nil)
	if err != nil {
		return err
	}
	numbers, err := c.Subscribe(ctx, "/numbers", nil)
	if err != nil {
		return err
	}
	publishing, enough := context.WithCancel(ctx)
	count := make(chan int)
	go func() { count <- publish(publishing, server) }()
	go func() {
		defer enough()
		for _, does := range []struct {
			what string
			way  way
		}{
			{"lets WebSockets pass", passes},
			{"cuts and refuses them", refuses},
			{"lets them pass again", passes},
			{"swallows what they carry", swallows},
			{"lets them pass again", passes},
		} {
			fmt.Println("proxy:", does.what)
			g.set(does.way)
			// What was learnt of the way would keep the client from trying at once:
			// a device that knows better says so.
			d.NetworkChanged()
			pause(ctx, 4*time.Second)
		}
	}()
	return read(ctx, numbers, count)
}

// read counts until the last number that was published has come.
func read(ctx context.Context, numbers *client.Subscription, count <-chan int) error {
	next, last := 0, -1
	for last < 0 || next < last {
		select {
		case last = <-count:
			continue
		default:
		}
		short, cancel := context.WithTimeout(ctx, 50*time.Millisecond)
		item, err := numbers.Next(short)
		cancel()
		if short.Err() != nil && ctx.Err() == nil && err != nil {
			continue
		}
		if err != nil {
			return err
		}
		m, ok := item.Value()
		if !ok {
			return item.Gap() // with acknowledgement there is none
		}
		if string(m.Data) != fmt.Sprint(next) {
			return fmt.Errorf("%s where %d is due", m.Data, next)
		}
		next++
	}
	fmt.Printf("%d events, each once and in order\n", next)
	return nil
}

// publish publishes a number every 5 ms, and returns how many it were.
func publish(ctx context.Context, server *bayeuxtest.Running) (n int) {
	for ; ctx.Err() == nil; n++ {
		if err := server.Publish("/numbers", n); err != nil {
			panic(err) // a number is JSON
		}
		pause(ctx, 5*time.Millisecond)
	}
	return n
}

func pause(ctx context.Context, d time.Duration) {
	select {
	case <-time.After(d):
	case <-ctx.Done():
	}
}

// openGate starts the proxy in front of a server.
func openGate(server string) (*gate, error) {
	target, err := url.Parse(server)
	if err != nil {
		return nil, err
	}
	l, err := (&net.ListenConfig{}).Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	g := &gate{url: "http://" + l.Addr().String() + target.Path, conns: map[net.Conn]struct{}{}}
	proxy := &httputil.ReverseProxy{
		Rewrite:      func(r *httputil.ProxyRequest) { r.SetURL(&url.URL{Scheme: target.Scheme, Host: target.Host}) },
		ErrorHandler: func(w http.ResponseWriter, _ *http.Request, _ error) { w.WriteHeader(http.StatusBadGateway) },
		ErrorLog:     log.New(nowhere{}, "", 0),
	}
	g.http = &http.Server{Handler: g.guard(proxy), ConnState: g.state, ReadHeaderTimeout: 10 * time.Second, ErrorLog: log.New(nowhere{}, "", 0)}
	go func() { _ = g.http.Serve(l) }()
	return g, nil
}

type nowhere struct{}

func (nowhere) Write(p []byte) (int, error) { return len(p), nil }
